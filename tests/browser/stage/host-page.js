// The product's page of a module, with the app in its frame, and what the emulator has beside it.

const VIEWPORT = { width: 1440, height: 1000 };

export class HostPage {
  /** @param {import('playwright-core').Browser} browser */
  static async open(browser, emulator, module, options = {}) {
    const context = await browser.newContext({ viewport: VIEWPORT, ...options });
    const page = await context.newPage();
    const host = new HostPage(page, emulator, module);
    page.on('console', (message) => message.type() === 'error' && host.complaints.push(message.text()));
    page.on('pageerror', (error) => host.complaints.push(error.message));
    await host.load();
    return host;
  }

  constructor(page, emulator, module) {
    this.page = page;
    this.emulator = emulator;
    this.module = module;
    /** Errors in the browser's console: scripts that threw, and what a policy forbade. */
    this.complaints = [];
    /** The app's own document. */
    this.app = page.frameLocator('iframe#app');
  }

  async load() {
    await this.page.goto(`${this.emulator.console}/host/${this.module}`);
  }

  /**
   * Changes the session by its form.
   *
   * @param {{user?: string, license?: string, environment?: string, theme?: string,
   *   admin?: boolean}} session `user` is the beginning of a name
   */
  async switchTo({ user, admin, ...choices }) {
    const form = this.page.locator('form#session');
    if (user) {
      const option = form.locator('select[name=user] option', { hasText: user });
      await form.locator('select[name=user]').selectOption(await option.getAttribute('value'));
    }
    for (const [name, value] of Object.entries(choices)) {
      await form.locator(`select[name=${name}]`).selectOption(value);
    }
    if (admin !== undefined) {
      await form.locator('input[name=admin]').setChecked(admin);
    }
    await Promise.all([
      this.page.waitForEvent('framenavigated', (frame) => frame === this.page.mainFrame()),
      form.locator('button[type=submit]').click(),
    ]);
  }

  /** The account id of the user whose name begins so. */
  async accountOf(user) {
    const option = this.page.locator('form#session select[name=user] option', { hasText: user });
    return option.getAttribute('value');
  }

  /** The app's own document, to run something in it. */
  async frame() {
    const element = await this.page.locator('iframe#app').elementHandle();
    return element.contentFrame();
  }

  /** A part of the app by its heading, once it waits for nothing. */
  async part(name) {
    const part = this.app.getByRole('region', { name, exact: true });
    await part.locator('.region-body:not([aria-busy])').waitFor();
    return part;
  }

  /** The titles that a part lists. */
  async titles(name) {
    const part = await this.part(name);
    await part.locator('.pages li').first().waitFor();
    return part.locator('.pages li > :first-child').allTextContents();
  }

  /** The newest of the calls that the page made of that kind, for a path that begins so. */
  async call(name, path) {
    const item = this.page.locator('#calls li', { hasText: name }).filter({ hasText: path }).first();
    await item.locator('.time').waitFor();
    return item;
  }

  /** Where the console shows that call. */
  async addressOf(name, path) {
    const item = await this.call(name, path);
    const href = await item.locator('a[href^="/invocations/"]').getAttribute('href');
    return `${this.emulator.console}${href}`;
  }

  /** What the console shows of that call. */
  async traceOf(name, path) {
    const address = await this.addressOf(name, path);
    const tab = await this.page.context().newPage();
    await tab.goto(address);
    const text = await tab.locator('body').textContent();
    await tab.close();
    return text;
  }

  close() {
    return this.page.context().close();
  }
}
