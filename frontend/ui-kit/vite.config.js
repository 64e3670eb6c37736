import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vite';

// `forge deploy` bundles the panel by itself. This bundle is for the emulator, and shows that
// the panel's source and its packages go together.
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  define: { 'process.env.NODE_ENV': JSON.stringify('production') },
  esbuild: { jsx: 'transform' },
  build: {
    target: 'es2022',
    sourcemap: true,
    lib: { entry: 'src/index.jsx', formats: ['es'], fileName: () => 'index.js' },
  },
});
