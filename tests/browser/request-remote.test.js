// `requestRemote`: the browser calls the remote itself, so CORS is the browser's to enforce.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startChromium } from './stage/chromium.js';
import { startEmulator } from './stage/emulator.js';
import { HostPage } from './stage/host-page.js';

const MODULE = 'digest-page';

let browser;

before(async () => {
  browser = await startChromium();
});

after(async () => {
  await browser?.close();
});

test('it passes from an origin on the list, with a FIT and no other token', async () => {
  const emulator = await startEmulator();
  const host = await HostPage.open(browser, emulator, MODULE);
  const [request] = await Promise.all([
    host.page.waitForRequest((it) => it.url().endsWith('/api/invocation') && it.method() === 'GET'),
    host.load(),
  ]);
  const headers = await request.allHeaders();
  assert.match(headers.authorization, /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/);
  assert.deepEqual(Object.keys(headers).filter((name) => name.startsWith('x-forge-')), []);
  const answer = await request.response();
  assert.equal(answer.status(), 200);
  assert.equal((await answer.allHeaders())['access-control-allow-origin'], emulator.console);

  const facts = await (await host.part('Who am I')).innerText();
  const account = await host.page.locator('form#session select[name=user]').inputValue();
  assert.ok(facts.includes(account), facts);
  assert.match(facts, /none: asked straight from the browser/);
  assert.match(await host.traceOf('requestRemote', '/api/invocation'), /\/api\/invocation/);
  await host.close();
  await emulator.stop();
});

test('it is refused for an origin that is not on the list, and the rest of the page is there', async () => {
  const env = { FORGE_REMOTE__SERVER__CORS_ORIGINS: 'https://elsewhere.example' };
  const emulator = await startEmulator({ env });
  const host = await HostPage.open(browser, emulator, MODULE);
  const part = await host.part('Who am I');
  await part.getByText('This did not work').waitFor();
  assert.match(await part.innerText(), /Failed to fetch[\s\S]*server\.cors_origins/);
  assert.ok(host.complaints.some((it) => /CORS/.test(it)), `${host.complaints}`);
  assert.match(await host.traceOf('requestRemote', '/api/invocation'), /Failed to fetch/);
  assert.ok((await host.titles('My pages')).length > 0);
  await host.close();
  await emulator.stop();
});
