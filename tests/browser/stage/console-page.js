// The emulator's console, by its forms.

import { eventually } from './chromium.js';

export class ConsolePage {
  /** @param {import('playwright-core').Browser} browser */
  static async open(browser, emulator) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 1000 } });
    return new ConsolePage(await context.newPage(), emulator);
  }

  constructor(page, emulator) {
    this.page = page;
    this.emulator = emulator;
  }

  async visit(path) {
    await this.page.goto(`${this.emulator.console}${path}`);
  }

  /** Fires an event of a product about that page; gives the address of its delivery. */
  async fireEvent(event, subject) {
    await this.visit('/events');
    const form = await unfolded(this.page.locator('form[action="/events/fire"]'));
    await form.locator('select[name=event]').selectOption(event);
    await form.locator('select[name=subject]').selectOption(subject);
    return this.pressed(form.locator('button[type=submit]').first());
  }

  /** Runs a schedule now. */
  async fireSchedule(key) {
    await this.visit('/events');
    return this.pressed(await unfolded(this.page.locator(`form[action="/events/schedule"] button[value="${key}"]`)));
  }

  async pressed(button) {
    await Promise.all([this.page.waitForURL(/\/events\/\d+$/), button.click()]);
    return this.page.url();
  }

  /** Waits until the page of that address has all of these words. */
  async reads(address, words) {
    return eventually(`${address} with ${words.join(', ')}`, async () => {
      await this.page.goto(address);
      const text = await this.page.locator('body').textContent();
      return words.every((word) => text.includes(word)) && text;
    });
  }

  /** Waits until Forge storage has a key. */
  stores(key) {
    return this.reads(`${this.emulator.console}/storage`, [key]);
  }

  close() {
    return this.page.context().close();
  }
}

/** Opens what it is folded into, if it is. */
async function unfolded(locator) {
  await locator.evaluate((node) => {
    for (let fold = node.closest('details'); fold; fold = fold.parentElement.closest('details')) {
      fold.open = true;
    }
  });
  return locator;
}
