// The rules of `forge lint` that need no account and no network, over the manifest and the
// sources of the frontends.
//
//   node lint.mjs
//
// Prints each finding. Exits 0 only if there is none: a warning counts as much as an error.

import { File } from 'node:buffer';
import { readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

// Debian 12 has Node.js 18, where `File` is not global yet; the packages want it while they load.
globalThis.File ??= File;
const { getClientSideLintersOnly, lint } = (await import('@forge/lint')).default;
const { ProcessorBuilder, ValidationTypes } = (await import('@forge/manifest')).default;

const SOURCES = ['frontend/custom-ui/src', 'frontend/ui-kit/src', 'frontend/remote'];
/** It fetches the products' API descriptions first. */
const ONLINE = new Set(['PermissionLinter']);
/** The environment that an app is in before it is anywhere else. */
const ENVIRONMENT = 'development';

// The linter reads manifest.yml where it runs.
process.chdir(resolve(dirname(fileURLToPath(import.meta.url)), '../..'));

const files = SOURCES.flatMap(sourcesIn);
const surroundings = [await readManifest(), ENVIRONMENT, logger(), noFeatureFlags()];
const rules = await getClientSideLintersOnly(...surroundings);
const linters = rules.filter((rule) => !ONLINE.has(rule.constructor.name));
if (linters.length === 0 || linters.length === rules.length) {
  throw new Error('the rules have other names in this version of @forge/lint');
}
const findings = await lint(files, ...surroundings, { linters });
let count = 0;
for (const { file, errors, warnings, approvals } of findings) {
  for (const { line, column, message, reference } of [...errors, ...warnings, ...approvals]) {
    found(`${file}:${line}:${column} ${message}${reference ? ` (${reference})` : ''}`);
  }
}
if (count > 0) {
  console.log(`${count} finding(s)`);
  process.exit(1);
}
console.log(`forge lint, ${linters.length} of ${rules.length} rules: no finding in manifest.yml and ${files.length} files`);

function found(sentence) {
  count += 1;
  console.log(sentence);
}

function sourcesIn(folder) {
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      return sourcesIn(path);
    }
    return /\.jsx?$/.test(entry.name) ? [path] : [];
  });
}

async function readManifest() {
  const reading = ProcessorBuilder.instance().withValidation(ValidationTypes.BASIC).build();
  const { manifestObject } = await reading.process('manifest.yml');
  if (!manifestObject?.typedContent) {
    throw new Error('manifest.yml cannot be read: validate.mjs says why');
  }
  return manifestObject.typedContent;
}

/** A rule that breaks off says so here, and finds nothing: that is a finding too. */
function logger() {
  const silent = () => {};
  return { info: found, warn: found, error: found, debug: silent, trace: silent };
}

/** What the server would switch on or off. */
function noFeatureFlags() {
  return { getDeprecatedRuntimes: async () => [] };
}
