// What `@forge/bridge` asks of the product around a page, and what the emulator answers.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startChromium } from './stage/chromium.js';
import { startEmulator } from './stage/emulator.js';
import { buildEveryCall } from './stage/every-call.js';
import { HostPage } from './stage/host-page.js';
import { json, startOddRemote } from './stage/odd-remote.js';

const SITE = 'https://quarry.atlassian.net';

let browser;
let remote;
let app;
let emulator;
let host;
let frame;

before(async () => {
  [browser, remote, app] = await Promise.all([startChromium(), startOddRemote({}), buildEveryCall()]);
  emulator = await startEmulator({ remote: remote.url, manifest: app.manifest });
  host = await HostPage.open(browser, emulator, 'every-call');
  frame = await host.frame();
  await frame.waitForFunction(() => globalThis.bridge);
});

after(async () => {
  await browser?.close();
  await emulator?.stop();
  await remote?.stop();
  await app?.remove();
});

/** Answers a preflight for anything, and all else by `answer`. */
function crossOrigin(answer) {
  return (request, response) => {
    response.setHeader('access-control-allow-origin', request.headers.origin ?? '*');
    response.setHeader('access-control-allow-headers', 'authorization, content-type, x-asked-by');
    response.setHeader('access-control-expose-headers', 'x-kind');
    if (request.method === 'OPTIONS') {
      response.writeHead(204).end();
    } else {
      answer(request, response);
    }
  };
}

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Tells the caller what has arrived. */
async function echo(request, response) {
  const body = await bodyOf(request);
  json(200, { method: request.method, url: request.url, headers: request.headers, body })(request, response);
}

test('a form with a file arrives as the browser would have sent it', async () => {
  remote.answers['/upload'] = crossOrigin(echo);
  const arrived = await frame.evaluate(async () => {
    const form = new FormData();
    form.append('title', 'Grüße');
    form.append('fileText', new File(['one\ntwo'], 'notes.txt', { type: 'text/plain' }));
    const init = { path: '/upload?to=here', method: 'POST', body: form, headers: { 'x-asked-by': 'a page' } };
    return (await globalThis.bridge.requestRemote('backend', init)).json();
  });
  assert.equal(arrived.method, 'POST');
  assert.equal(arrived.url, '/upload?to=here');
  assert.equal(arrived.headers['x-asked-by'], 'a page');
  assert.match(arrived.headers.authorization, /^Bearer /);
  assert.equal(arrived.headers.cookie, undefined);
  assert.match(arrived.headers['content-type'], /^multipart\/form-data; boundary=/);
  assert.match(arrived.body, /name="title"\r\n\r\nGrüße\r\n/);
  assert.match(arrived.body, /name="fileText"; filename="notes\.txt"\r\nContent-Type: text\/plain\r\n\r\none\ntwo\r\n/);
  assert.ok(!arrived.body.includes('__file'), arrived.body);
});

test('an answer of bytes comes through as those bytes, with its status and headers', async () => {
  remote.answers['/picture'] = crossOrigin((_, response) => {
    response.writeHead(418, { 'content-type': 'image/png', 'x-kind': 'picture' }).end(Buffer.from([0, 255, 128, 10]));
  });
  const got = await frame.evaluate(async () => {
    const response = await globalThis.bridge.requestRemote('backend', { path: '/picture' });
    const bytes = [...new Uint8Array(await response.arrayBuffer())];
    return { status: response.status, kind: response.headers.get('x-kind'), bytes };
  });
  assert.deepEqual(got, { status: 418, kind: 'picture', bytes: [0, 255, 128, 10] });
});

test('a remote that the manifest does not name is not called', async () => {
  const refused = frame.evaluate(() => globalThis.bridge.requestRemote('elsewhere', { path: '/' }));
  await assert.rejects(refused, /the manifest has no remote `elsewhere`/);
});

test('invokeRemote takes a body and headers along, and brings headers back', async () => {
  remote.answers['/api/tasks'] = echo;
  const answer = await frame.evaluate(() =>
    globalThis.bridge.invokeRemote({
      path: '/api/tasks?all=1',
      method: 'PUT',
      headers: { 'x-asked-by': 'a page' },
      body: { done: true },
    }),
  );
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.body.method, 'PUT');
  assert.equal(answer.body.url, '/api/tasks?all=1');
  assert.equal(answer.body.headers['x-asked-by'], 'a page');
  assert.deepEqual(JSON.parse(answer.body.body), { done: true });
});

test('a function is refused in words, for there is none', async () => {
  await assert.rejects(
    frame.evaluate(() => globalThis.bridge.invoke('getText', {})),
    /call the remote with `invokeRemote`/,
  );
});

test('the context says who is where', async () => {
  const context = await frame.evaluate(() => globalThis.bridge.view.getContext());
  const account = await host.page.locator('form#session select[name=user]').inputValue();
  assert.equal(context.accountId, account);
  assert.equal(context.siteUrl, SITE);
  assert.equal(context.moduleKey, 'every-call');
  assert.equal(context.extension.type, 'confluence:globalPage');
  assert.equal(typeof context.timezone, 'string');
});

test('a flag is shown, its action calls back into the page, and it is taken down', async () => {
  await frame.evaluate(() => {
    globalThis.flag = globalThis.bridge.showFlag({
      id: 'saved',
      title: 'Saved',
      description: 'All of it.',
      type: 'success',
      actions: [{ text: 'Undo', onClick: () => (globalThis.undone = true) }],
    });
  });
  const flag = host.page.locator('#flags [data-flag=saved]');
  await flag.getByText('All of it.').waitFor();
  await flag.getByRole('button', { name: 'Undo' }).click();
  await frame.waitForFunction(() => globalThis.undone);
  await frame.evaluate(() => globalThis.flag.close());
  await flag.waitFor({ state: 'detached' });
});

test('a dialogue is another frame, and what it closes with comes back', async () => {
  await frame.evaluate(() => {
    globalThis.answered = new Promise((onClose) => {
      new globalThis.bridge.Modal({ onClose, size: 'small', context: { task: 7 } }).open();
    });
  });
  const element = await host.page.locator('dialog.modal iframe').elementHandle();
  const inside = await element.contentFrame();
  await inside.waitForFunction(() => globalThis.bridge);
  const { extension } = await inside.evaluate(() => globalThis.bridge.view.getContext());
  assert.deepEqual(extension.modal, { task: 7 });
  // Its frame goes while it closes, and with it whoever waits for the answer.
  await inside.evaluate(() => void globalThis.bridge.view.close({ done: true }));
  assert.deepEqual(await frame.evaluate(() => globalThis.answered), { done: true });
  await host.page.locator('dialog.modal').waitFor({ state: 'detached' });
});

test('a dialogue of no resource is refused, and leaves nothing over the page', async () => {
  const refused = frame.evaluate(() => new globalThis.bridge.Modal({ resource: { key: 'a' } }).open());
  await assert.rejects(refused, /Unable to open modal/);
  assert.equal(await host.page.locator('dialog.modal').count(), 0);
});

test('events reach who listens, and nobody who has stopped', async () => {
  const heard = await frame.evaluate(async () => {
    const { events } = globalThis.bridge;
    const all = [];
    const one = await events.on('changed', ({ page }) => all.push(`one ${page}`));
    await new Promise((done) => {
      events.on('changed', ({ page }) => {
        all.push(`other ${page}`);
        done();
      }).then(() => events.emit('changed', { page: 1 }));
    });
    await one.unsubscribe();
    await events.emit('changed', { page: 2 });
    // What was emitted before this answer was also heard before it.
    await globalThis.bridge.view.getContext();
    return all;
  });
  assert.deepEqual(heard, ['one 1', 'other 1', 'other 2']);
});

test('where a page wants to go is told', async () => {
  await frame.evaluate(() => globalThis.bridge.router.open('/wiki/spaces/ENG'));
  const words = `The product would go to ${SITE}/wiki/spaces/ENG in a new tab.`;
  await host.page.locator('#calls').getByText(words).waitFor();
  const url = await frame.evaluate(async () => {
    const found = await globalThis.bridge.router.getUrl({ target: 'contentView', contentId: '5341191' });
    return found.href;
  });
  assert.equal(url, `${SITE}/wiki/pages/viewpage.action?pageId=5341191`);
});

test('a page that routes by itself has a history', async () => {
  const locations = await frame.evaluate(async () => {
    const history = await globalThis.bridge.view.createHistory();
    const seen = [history.location.pathname];
    globalThis.popped = new Promise((resolve) => {
      history.listen(({ pathname }, action) => {
        seen.push(`${action} ${pathname}`);
        if (action === 'POP') {
          resolve(seen);
        }
      });
    });
    history.push('/first?x=1');
    history.push('/second');
    history.goBack();
    return globalThis.popped;
  });
  assert.deepEqual(locations, ['/', 'PUSH /first', 'PUSH /second', 'POP /first']);
  assert.match(host.page.url(), /#\/first\?x=1$/);
});

test('the title of the window is the page’s to change', async () => {
  await frame.evaluate(() => globalThis.bridge.view.changeWindowTitle('Two tasks left'));
  assert.equal(await host.page.title(), 'Two tasks left');
});

test('a call that nobody knows is refused by its name, and shown as such', async () => {
  await assert.rejects(
    frame.evaluate(() => globalThis.__bridge.callBridge('somethingNew', { a: 1 })),
    /does not know the bridge call "somethingNew"/,
  );
  await host.page.locator('#calls li.unknown', { hasText: 'somethingNew' }).waitFor();
});
