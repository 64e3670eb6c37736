// `forge-remote dev` in a process and a folder of its own.

import { spawn } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target');
/** Any free port: others may be at work on this machine. */
const FREE = '127.0.0.1:0';

/**
 * Starts it, and waits until the console and the remote listen.
 *
 * @param {{remote?: string, manifest?: string, env?: Record<string, string>}} [options] `remote` is
 *   the address of one to invoke in place of the digest app's
 */
export async function startEmulator({ remote, manifest = join(ROOT, 'manifest.yml'), env = {} } = {}) {
  const binary = join(TARGET, 'debug', 'forge-remote');
  if (!existsSync(binary)) {
    throw new Error(`${binary} is missing: run \`cargo build\` first`);
  }
  const folder = await mkdtemp(join(tmpdir(), 'forge-remote-browser-'));
  const log = join(folder, 'log');
  const where = remote ? ['--remote', remote] : ['--listen', FREE];
  const child = spawn(binary, ['dev', '--manifest', manifest, '--console', FREE, ...where], {
    cwd: folder,
    env: { ...process.env, FORGE_REMOTE__TELEMETRY__LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stderr.pipe(createWriteStream(log));
  const exited = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGTERM');
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  const addresses = await announced(child, remote ? ['console'] : ['console', 'health']);
  if (!addresses) {
    const words = await readFile(log, 'utf8');
    await stop();
    throw new Error(`forge-remote dev did not start:\n${words}`);
  }
  return { console: addresses.get('console').replace(/\/$/, ''), stop };
}

/** What it prints, line by line, until each of `names` was there; nothing if it ends before. */
async function announced(child, names) {
  const addresses = new Map();
  for await (const line of createInterface({ input: child.stdout })) {
    const [name, address] = line.trim().split(/\s+/);
    addresses.set(name, address);
    if (names.every((wanted) => addresses.has(wanted))) {
      // What it prints from now on is for nobody; the pipe must not fill up.
      child.stdout.resume();
      return addresses;
    }
  }
  return undefined;
}
