// Makes the pictures of the documentation, light and dark: the page with a digest in it, the
// panel, and the console with the traces behind both. Run by `npm run screenshots`, and by no test.
// pngquant and optipng make the files smaller if they are there.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { startChromium } from './stage/chromium.js';
import { ConsolePage } from './stage/console-page.js';
import { startEmulator } from './stage/emulator.js';
import { HostPage } from './stage/host-page.js';

const FOLDER = fileURLToPath(new URL('../../docs/images/', import.meta.url));
/** One that everybody may see, and one that not everybody may. */
const CHANGED = ['5341191', '5341217'];

const emulator = await startEmulator();
const browser = await startChromium();
try {
  const host = await HostPage.open(browser, emulator, 'digest-page');
  const tick = await aDigest(host);
  await ofThePage(host);
  const seen = await seeAs(host, 'Jonas');
  await ofTheConsole('console', seen, 1100);
  await ofTheConsole('events', tick, 1650);
  await ofThePanel();
} finally {
  await browser.close();
  await emulator.stop();
}

/** Two subscribers, two changes, and a tick, whose address it gives. */
async function aDigest(host) {
  for (const user of ['Priya', 'Mira']) {
    await host.switchTo({ user });
    const subscription = await host.part('Hourly digest');
    await subscription.getByRole('button', { name: 'Subscribe', exact: true }).click();
    await subscription.getByRole('button', { name: 'Unsubscribe' }).waitFor();
  }
  const fired = await ConsolePage.open(browser, emulator);
  for (const page of CHANGED) {
    await fired.fireEvent('avi:confluence:updated:page', page);
    await fired.stores(`change:${page}`);
  }
  const tick = await fired.fireSchedule('digest-hourly');
  for (const user of ['Priya', 'Mira']) {
    await fired.stores(`digest:${await host.accountOf(user)}`);
  }
  await fired.close();
  return tick;
}

async function ofThePage(host) {
  for (const [theme, suffix] of [
    ['light', ''],
    ['dark', '-dark'],
  ]) {
    await host.switchTo({ user: 'Mira', theme });
    await settled(host);
    await picture(host.page, `page${suffix}`);
  }
}

/** The trace of an administrator who looks as somebody else; gives its address. */
async function seeAs(host, user) {
  await host.app.getByText('See as somebody else').click();
  await host.app.getByLabel('Account id').fill(await host.accountOf(user));
  await host.app.getByRole('button', { name: 'See their pages' }).click();
  await host.titles('Seen by somebody else');
  return host.addressOf('invokeRemote', '/api/accounts/');
}

async function ofTheConsole(name, address, height) {
  for (const [colorScheme, suffix] of [
    ['light', ''],
    ['dark', '-dark'],
  ]) {
    const context = await browser.newContext({ viewport: { width: 1280, height }, colorScheme });
    const page = await context.newPage();
    await page.goto(address);
    await picture(page, `${name}${suffix}`);
    await context.close();
  }
}

async function ofThePanel() {
  const host = await HostPage.open(browser, emulator, 'digest-panel');
  await host.switchTo({ user: 'Mira', theme: 'light' });
  await host.page.locator('#native').getByText('You are subscribed.').waitFor();
  await host.page.locator('#native').getByText('QUA-17').waitFor();
  await picture(host.page, 'panel');
}

async function settled(host) {
  for (const name of ['What changed for me', 'My pages', 'Hourly digest', 'Who am I']) {
    await host.part(name);
  }
  await host.app.locator('.avatar').waitFor();
}

async function picture(page, name) {
  const path = `${FOLDER}${name}.png`;
  await page.mouse.move(0, 0);
  await page.screenshot({ path });
  spawnSync('pngquant', ['--force', '--skip-if-larger', '--ext', '.png', '--quality', '80-100', '128', path]);
  spawnSync('optipng', ['-quiet', '-o4', '-strip', 'all', path]);
  console.log(path);
}
