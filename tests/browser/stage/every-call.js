// The app whose page makes whatever call a test wants, built into a folder of its own.

import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'vite';

const SOURCE = fileURLToPath(new URL('../every-call/', import.meta.url));

export async function buildEveryCall() {
  const folder = await mkdtemp(join(tmpdir(), 'forge-remote-every-call-'));
  await build({
    root: SOURCE,
    base: './',
    logLevel: 'error',
    build: { outDir: join(folder, 'dist'), target: 'es2022', modulePreload: { polyfill: false } },
  });
  const manifest = join(folder, 'manifest.yml');
  await copyFile(join(SOURCE, 'manifest.yml'), manifest);
  return { manifest, remove: () => rm(folder, { recursive: true, force: true }) };
}
