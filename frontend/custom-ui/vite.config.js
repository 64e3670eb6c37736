import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vite';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // The page is served from a path that only the platform knows.
  base: './',
  build: {
    target: 'es2022',
    // The content security policy of a Custom UI page takes no inline script, and no data: font.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    // Atlassian's package is CommonJS, and a part of it sets up what another part reads.
    commonjsOptions: { transformMixedEsModules: true },
    sourcemap: true,
  },
});
