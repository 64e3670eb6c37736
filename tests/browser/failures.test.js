// A remote that breaks the contract: the page shows the platform's own sentences, and the
// console what was behind each.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startChromium } from './stage/chromium.js';
import { startEmulator } from './stage/emulator.js';
import { HostPage } from './stage/host-page.js';
import { hangUp, html, json, silence, startOddRemote, text } from './stage/odd-remote.js';

const NOT_VERIFIED = 'Remote could not verify the Forge Invocation Token';
const CONTENT_TYPE =
  'Invalid response from remote - content-type header must be set to application/json and is currently: text/html. Status: 502.';
const NO_JSON = (status) => `Invalid response from remote - cannot parse body as JSON. Status: ${status}.`;
const NETWORK = 'Invalid response from remote - remote network error';
const TIMED_OUT = 'Remote invocation timed out after 25 seconds';
/** The platform's 25 s, and time for the page around them. */
const PATIENCE = 60_000;

let browser;
let remote;
let emulator;
let host;

before(async () => {
  remote = await startOddRemote({});
  [browser, emulator] = await Promise.all([startChromium(), startEmulator({ remote: remote.url })]);
  host = await HostPage.open(browser, emulator, 'digest-page');
});

after(async () => {
  await browser?.close();
  await emulator?.stop();
  await remote?.stop();
});

/** Loads the page with the remote answering so, and gives what is shown where. */
async function shownWith(path, answer, part) {
  for (const other of Object.keys(remote.answers)) {
    delete remote.answers[other];
  }
  remote.answers[path] = answer;
  await host.load();
  const shown = host.app.getByRole('region', { name: part, exact: true }).locator('.note-error');
  await shown.waitFor({ timeout: PATIENCE });
  return shown.innerText();
}

for (const [what, answer, sentence] of [
  ['a 401', json(401, { error: { code: 'expired' } }), NOT_VERIFIED],
  ['an error page of a proxy', html(502), CONTENT_TYPE],
  ['an error without a body', (_, response) => response.writeHead(500).end(), NO_JSON(500)],
  ['a success that is no JSON', text(200, 'ok'), NO_JSON(200)],
  ['a connection that ends', hangUp(), NETWORK],
  ['silence', silence(), TIMED_OUT],
]) {
  test(`${what} is told in the platform’s words, and the console has it`, async () => {
    assert.ok((await shownWith('/api/content', answer, 'My pages')).includes(sentence));
    const trace = await host.traceOf('invokeRemote', '/api/content');
    assert.ok(trace.includes(sentence), trace);
    assert.match(trace, /\/api\/content/);
  });
}

test('a refusal in the remote’s own words is shown with its trace', async () => {
  const error = { code: 'upstream_error', message: 'Confluence did not answer.', traceId: '4bf92f3577b34da6' };
  const shown = await shownWith('/api/content', json(502, { error }), 'My pages');
  for (const words of [error.message, error.code, error.traceId, '502']) {
    assert.ok(shown.includes(words), shown);
  }
  // Another try is offered, and what comes of it is shown.
  remote.answers['/api/content'] = json(200, { results: [{ title: 'Back again' }], cursor: null });
  await host.app.getByRole('region', { name: 'My pages' }).getByRole('button', { name: 'Try again' }).click();
  await host.app.getByText('Back again').waitFor();
  const focused = await host.app.locator('h2:focus').textContent();
  assert.equal(focused, 'My pages');
});

test('nothing to show is no error', async () => {
  remote.answers['/api/content'] = json(200, { results: [], cursor: null });
  await host.load();
  await host.app.getByText('There is no page on this site that you may see.').waitFor();
});

test('the panel shows problems as the page does', async () => {
  const denied = { code: 'forbidden', message: 'This issue is not for you.', traceId: 'a3ce929d0e0e4736' };
  remote.answers['/api/issues/QUA-17'] = json(403, { error: denied });
  remote.answers['/api/subscription'] = html(502);
  const panel = await HostPage.open(browser, emulator, 'digest-panel');
  const drawn = panel.page.locator('#native');
  await drawn.getByText(denied.message).waitFor();
  await drawn.getByText(denied.traceId).waitFor();
  await drawn.getByText(CONTENT_TYPE).waitFor();
  // Asking again helps with the one and not with the other.
  remote.answers['/api/subscription'] = json(200, { subscribed: false });
  remote.answers['/api/digest'] = json(404, { error: { code: 'not_found', message: 'none', traceId: 'x' } });
  await drawn.getByRole('button', { name: 'Try again' }).click();
  await drawn.getByText('You are not subscribed.').waitFor();
  assert.equal(await drawn.getByRole('button', { name: 'Try again' }).count(), 0);
});
