// The UI Kit panel on a Jira issue: drawn by the emulator, with the calls that it made.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startChromium } from './stage/chromium.js';
import { startEmulator } from './stage/emulator.js';
import { HostPage } from './stage/host-page.js';

let browser;
let emulator;
let host;

before(async () => {
  [browser, emulator] = await Promise.all([startChromium(), startEmulator()]);
  host = await HostPage.open(browser, emulator, 'digest-panel');
});

after(async () => {
  await browser?.close();
  await emulator?.stop();
});

test('it shows the issue as the user sees it, and is labelled as what it is', async () => {
  const panel = host.page.locator('#native');
  await panel.getByText('QUA-17').waitFor();
  await panel.getByText('Digest mails arrive twice after a deployment').waitFor();
  assert.match(await host.page.locator('body').innerText(), /UI Kit, drawn by the emulator/);
  assert.match(await host.traceOf('invokeRemote', '/api/issues/QUA-17'), /\/rest\/api\/3\/issue\/QUA-17/);
});

test('it subscribes', async () => {
  const panel = host.page.locator('#native');
  await panel.getByText('You are not subscribed.').waitFor();
  await panel.getByRole('button', { name: 'Subscribe', exact: true }).click();
  await panel.getByText('You are subscribed.').waitFor();
  await panel.getByRole('button', { name: 'Unsubscribe' }).click();
  await panel.getByText('You are not subscribed.').waitFor();
  assert.deepEqual(host.complaints, []);
});
