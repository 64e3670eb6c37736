// The first thing that runs. `@forge/bridge` looks for its host while it loads and throws if
// there is none: a page that somebody opened by itself says so in words instead.

import { element } from './element.js';

const app = document.getElementById('app');

if (globalThis.__bridge?.callBridge) {
  const { start } = await import('./page.js');
  start(app);
} else {
  app.append(
    element('main', { class: 'alone' }, [
      element('h1', {}, ['Digest']),
      element('p', {}, [
        'This page is part of Confluence and gets its data through it. Open it from the ',
        'Apps menu there, or run ',
        element('code', {}, ['forge-remote dev']),
        ' to see it on this machine.',
      ]),
    ]),
  );
}
