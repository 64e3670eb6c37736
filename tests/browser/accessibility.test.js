// What axe finds in the page: names, roles, landmarks, contrast, in both themes.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import axe from 'axe-core';

import { startChromium } from './stage/chromium.js';
import { startEmulator } from './stage/emulator.js';
import { HostPage } from './stage/host-page.js';

let browser;
let emulator;

before(async () => {
  [browser, emulator] = await Promise.all([startChromium(), startEmulator()]);
});

after(async () => {
  await browser?.close();
  await emulator?.stop();
});

/** In the app's own document; the product around it is the emulator's. */
async function violationsIn(host) {
  const frame = await host.frame();
  await frame.evaluate(axe.source);
  const { violations, passes } = await frame.evaluate(() => globalThis.axe.run());
  assert.ok(passes.length > 10, 'it has looked at the page');
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

for (const theme of ['light', 'dark']) {
  test(`the ${theme} page has no violation, with data and with an error`, async () => {
    const host = await HostPage.open(browser, emulator, 'digest-page');
    await host.switchTo({ user: 'Priya', admin: false, theme });
    await host.app.locator(`html[data-color-mode="${theme}"]`).waitFor();
    for (const name of ['What changed for me', 'My pages', 'Hourly digest', 'Who am I']) {
      await host.part(name);
    }
    await host.app.getByText('See as somebody else').click();
    await host.app.getByLabel('Account id').fill(await host.accountOf('Mira'));
    await host.app.getByRole('button', { name: 'See their pages' }).click();
    await host.app.getByText('You may not see this').waitFor();
    assert.deepEqual(await violationsIn(host), []);
    await host.close();
  });
}
