// Full validation of a manifest by the platform's own package.
//
//   node validate.mjs [path to manifest.yml]
//
// Prints each finding. Exits 0 only if there is none: a warning counts as much as an error.

import { File } from 'node:buffer';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

// Debian 12 has Node.js 18, where `File` is not global yet; the package wants it while it loads.
globalThis.File ??= File;
const { ProcessorBuilder, ValidationTypes } = (await import('@forge/manifest')).default;

const here = dirname(fileURLToPath(import.meta.url));
const manifest = resolve(process.argv[2] ?? resolve(here, '../../manifest.yml'));

// What `forge lint` and `forge deploy` run; a kind that does not apply finds nothing.
const kinds = [
  ValidationTypes.BASIC,
  ValidationTypes.FULL,
  ValidationTypes.FORGE_REMOTE_COMPUTE,
  ValidationTypes.PRODUCT_TRIGGER,
  ValidationTypes.AGENT_PRODUCT_CONTEXT,
  ValidationTypes.DEPRECATED_CSP_METHOD,
  ValidationTypes.DEPRECATED_EGRESS_PERMISSIONS,
];

/** The pages of a Custom UI resource are a build's, and the build is not in the repository. */
const UNBUILT = /^missing resource '[^']*dist'/;

let findings = 0;
for (const kind of kinds) {
  const result = await ProcessorBuilder.instance().withValidation(kind).build().process(manifest);
  for (const { level, line, column, message } of result.errors ?? []) {
    findings += 1;
    console.log(`${manifest}:${line}:${column} ${level} (${kind}): ${message}`);
    if (UNBUILT.test(message)) {
      console.log('  It comes with `npm ci && npm run build` at the root of the repository.');
    }
  }
  // A step may fail without a word, for instance where a file cannot be read.
  if (!result.success && !(result.errors ?? []).length) {
    findings += 1;
    console.log(`${manifest} error (${kind}): the validation failed without a message`);
  }
}

if (findings > 0) {
  console.log(`${findings} finding(s)`);
  process.exit(1);
}
console.log(`${manifest}: valid (${kinds.length} kinds of validation, no finding)`);
