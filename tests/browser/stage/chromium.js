// The Chromium of this machine, without a window.

import { existsSync } from 'node:fs';

import { chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export async function startChromium() {
  const executablePath = process.env.FORGE_REMOTE_TEST_CHROMIUM ?? PLACES.find((place) => existsSync(place));
  if (!executablePath) {
    throw new Error('no Chromium is here: `apt-get install chromium`, or name one in FORGE_REMOTE_TEST_CHROMIUM');
  }
  return chromium.launch({
    executablePath,
    // Nothing of it leaves the machine, and it runs as root in a container.
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-component-update', '--disable-sync'],
  });
}

/** How often and how long something is looked for that no element of a page tells. */
const EVERY = 100;
const AT_MOST = 30_000;

/**
 * Waits until `look` gives something, and gives that.
 *
 * @template T
 * @param {string} what for the error
 * @param {() => Promise<T | undefined | false>} look
 * @returns {Promise<T>}
 */
export async function eventually(what, look) {
  const end = Date.now() + AT_MOST;
  for (;;) {
    const found = await look();
    if (found) {
      return found;
    }
    if (Date.now() > end) {
      throw new Error(`${what}: not within ${AT_MOST / 1000} s`);
    }
    await new Promise((resolve) => {
      setTimeout(resolve, EVERY);
    });
  }
}
