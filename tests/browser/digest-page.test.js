// The digest app's page in its product's place, with Atlassian's own bridge: what somebody sees
// who opens it, by mouse and by keyboard.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { ConsolePage } from './stage/console-page.js';
import { startChromium } from './stage/chromium.js';
import { startEmulator } from './stage/emulator.js';
import { HostPage } from './stage/host-page.js';

const MODULE = 'digest-page';
/** Pages of the emulated site. */
const ON_CALL = { id: '5341191', title: 'On-call handbook' };
const KEYS = { id: '5341217', title: 'How we rotate signing keys' };
const JONAS_ONLY = 'Draft: moving the search index';

let browser;
let emulator;
const opened = [];

before(async () => {
  [browser, emulator] = await Promise.all([startChromium(), startEmulator()]);
});

after(async () => {
  await browser?.close();
  await emulator?.stop();
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((page) => page.close()));
});

async function open(options) {
  const host = await HostPage.open(browser, emulator, MODULE, options);
  opened.push(host);
  return host;
}

async function openConsole() {
  const page = await ConsolePage.open(browser, emulator);
  opened.push(page);
  return page;
}

/** All that a list has, page by page. */
async function everyTitle(host) {
  const part = await host.part('My pages');
  const more = part.getByRole('button', { name: 'Show more' });
  await part.locator('.pages li').first().waitFor();
  while ((await more.count()) > 0) {
    const before = await part.locator('.pages li').count();
    await more.click();
    await part.locator('.pages li').nth(before).waitFor();
    await part.locator('.foot [aria-disabled]').waitFor({ state: 'detached' });
  }
  return part.locator('.pages li > :first-child').allTextContents();
}

test('it loads with the real bridge and breaks no policy', async () => {
  const host = await open();
  await host.switchTo({ user: 'Mira' });
  await host.app.getByText('Mira Okafor').waitFor();
  for (const name of ['What changed for me', 'My pages', 'Hourly digest', 'Who am I']) {
    await host.part(name);
  }
  for (const call of ['getContext', 'enableTheming', 'invokeRemote', 'requestRemote']) {
    await host.call(call, '');
  }
  assert.deepEqual(host.complaints, []);
});

test('opened by itself it says where it belongs', async () => {
  const host = await open();
  const address = await host.page.locator('iframe#app').getAttribute('src');
  await host.page.goto(address);
  await host.page.getByText('This page is part of Confluence').waitFor();
  assert.deepEqual(host.complaints, []);
});

test('each user sees the pages that they may see', async () => {
  const host = await open();
  await host.switchTo({ user: 'Mira' });
  const miras = await everyTitle(host);
  await host.switchTo({ user: 'Jonas' });
  await host.app.getByText('Jonas Lindqvist').waitFor();
  const jonas = await everyTitle(host);
  assert.ok(jonas.includes(JONAS_ONLY) && !miras.includes(JONAS_ONLY), `${miras}; ${jonas}`);
  for (const titles of [miras, jonas]) {
    assert.ok(titles.includes(ON_CALL.title));
    assert.equal(new Set(titles).size, titles.length);
  }
  const trace = await host.traceOf('invokeRemote', '/api/content');
  assert.match(trace, /\/api\/content/);
  assert.match(trace, /\/wiki\/rest\/api\/content/);
});

test('who subscribes gets what changed, after an event and a tick', async () => {
  const host = await open();
  await host.switchTo({ user: 'Jonas' });
  const subscription = await host.part('Hourly digest');
  await host.app.getByText('No digest yet', { exact: true }).waitFor();
  await subscription.getByRole('button', { name: 'Subscribe', exact: true }).click();
  await subscription.getByText(/^You are subscribed\./).waitFor();

  const fired = await openConsole();
  const event = await fired.fireEvent('avi:confluence:updated:page', KEYS.id);
  await fired.reads(event, ['avi:confluence:updated:page', '202']);
  await fired.stores(`change:${KEYS.id}`);
  const tick = await fired.fireSchedule('digest-hourly');
  await fired.reads(tick, ['digest-hourly', '202', '/wiki/api/v2/pages']);
  await fired.stores(`digest:${await host.accountOf('Jonas')}`);

  const digest = await host.part('What changed for me');
  await digest.getByRole('button', { name: 'Refresh' }).click();
  await digest.getByText(KEYS.title).waitFor();
  assert.deepEqual(await host.titles('What changed for me'), [KEYS.title]);
  assert.deepEqual(host.complaints, []);

  // Unsubscribing takes the digest along, and the page shows it.
  await subscription.getByRole('button', { name: 'Unsubscribe' }).click();
  await subscription.getByText(/^You are not subscribed\./).waitFor();
  await host.app.getByText('No digest yet', { exact: true }).waitFor();
});

test('an administrator sees as somebody else, and nobody else does', async () => {
  const host = await open();
  const see = async () => {
    const jonas = await host.accountOf('Jonas');
    await host.app.getByText('See as somebody else').click();
    await host.app.getByLabel('Account id').fill(jonas);
    await host.app.getByRole('button', { name: 'See their pages' }).click();
  };
  await host.switchTo({ user: 'Mira' });
  await see();
  const seen = await host.titles('Seen by somebody else');
  assert.ok(seen.length > 0);
  const trace = await host.traceOf('invokeRemote', '/api/accounts/');
  assert.match(trace, /Jonas/);

  await host.switchTo({ user: 'Priya', admin: false });
  await see();
  const part = await host.part('Seen by somebody else');
  await part.getByText('You may not see this').waitFor();
  const words = await part.innerText();
  assert.match(words, /Only a site administrator may see as somebody else\./);
  assert.match(words, /forbidden/);
  assert.match(words, /[0-9a-f]{16,32}/, 'the trace id');
  assert.equal(await part.getByRole('button', { name: 'Try again' }).count(), 0);
});

test('licence and environment of the session are in the next invocation', async () => {
  const host = await open();
  await host.switchTo({ user: 'Mira', license: 'evaluation', environment: 'PRODUCTION' });
  let facts = await (await host.part('Who am I')).innerText();
  assert.match(facts, /Licence\s+evaluation/);
  assert.match(facts, /Environment\s+Production/);
  await host.switchTo({ license: 'lapsed', environment: 'PRODUCTION' });
  facts = await (await host.part('Who am I')).innerText();
  assert.match(facts, /Licence\s+lapsed/);
  await host.switchTo({ license: 'none', environment: 'DEVELOPMENT' });
  facts = await (await host.part('Who am I')).innerText();
  assert.match(facts, /Licence\s+none/);
  assert.match(facts, /Environment\s+Development/);
});

test('it wears the product’s theme', async () => {
  const host = await open();
  const surface = () => host.app.locator('body').evaluate((body) => globalThis.getComputedStyle(body).backgroundColor);
  const wears = (mode) => host.app.locator(`html[data-color-mode="${mode}"]`).waitFor();
  await host.switchTo({ theme: 'light' });
  await wears('light');
  const light = await surface();
  await host.switchTo({ theme: 'dark' });
  await wears('dark');
  assert.notEqual(await surface(), light);
  await host.switchTo({ theme: 'light' });
});

test('the keyboard is enough', async () => {
  const host = await open();
  await host.switchTo({ user: 'Jonas' });
  const part = await host.part('My pages');
  const more = part.getByRole('button', { name: 'Show more' });
  await more.focus();
  await host.page.keyboard.press('Enter');
  // On with the first page that is new, and what happened is said.
  const focused = host.app.locator('.pages a:focus');
  await focused.waitFor();
  const titles = await host.titles('My pages');
  assert.equal(await focused.textContent(), titles[5]);
  await host.app.getByRole('log').getByText(/^\d more, \d+ pages\.$/).waitFor();
  const ring = await focused.evaluate((link) => globalThis.getComputedStyle(link).outlineStyle);
  assert.equal(ring, 'solid');

  await host.app.locator('summary').focus();
  await host.page.keyboard.press('Enter');
  await host.page.keyboard.press('Tab');
  await host.app.locator('input[name=account]:focus').waitFor();
});
