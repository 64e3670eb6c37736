// Which public items of the crate have no example in its documentation.
//
//   RUSTDOC=target/rustdoc-json cargo rustdoc --lib -- -Z unstable-options --output-format json
//   node tests/docs/examples.mjs target/doc/forge_remote.json
//
// `target/rustdoc-json` is rustdoc with RUSTC_BOOTSTRAP=1: tests/run.sh writes it.
//
// rustdoc's own lint for this passes over whatever is re-exported from a private module,
// which here is nearly everything. This walks what a reader of docs.rs can reach: modules,
// types, traits, functions, constants and methods, but neither fields, variants nor what a
// derive wrote. An item has an example if
//
//   - one stands in its own documentation, or
//   - one on the page of its type, of its module or of the crate uses it by name.
//
// A method counts as used where an example of its type, or of the module or the crate, calls
// it, and elsewhere in the module where the example also names its type or no other type has
// a method of that name. For a trait's methods, to implement them is to use them.
// Prints those without, and exits 0 only if there is none.

import { readFileSync } from 'node:fs';
import process from 'node:process';

const file = process.argv[2];
const { index, root, format_version: version } = JSON.parse(readFileSync(file, 'utf8'));

const TYPES = ['struct', 'enum', 'union'];
const PLAIN = ['function', 'constant', 'static', 'macro', 'type_alias', 'proc_macro'];

/** What is published: `{ item, path, kind, type?, module }`, each item once. */
const published = new Map();

const kindOf = (item) => Object.keys(item.inner)[0];
const publish = (item, kind, module, type) => {
  const path = `${type?.path ?? module.path}::${item.name}`;
  const entry = { item, kind, module, type, path, methods: [] };
  published.set(item.id, entry);
  return entry;
};

function walk(id, parent, name) {
  const item = index[id];
  // Not there: of another crate, or hidden.
  if (!item || published.has(id)) return;
  const kind = kindOf(item);
  if (kind === 'use') {
    const { use } = item.inner;
    const target = index[use.id];
    if (use.is_glob) target?.inner.module?.items.forEach((child) => walk(child, parent));
    else if (use.id !== null) walk(use.id, parent, use.name);
  } else if (kind === 'module') {
    const path = parent ? `${parent.path}::${name ?? item.name}` : item.name;
    const module = { item, kind, path, module: parent };
    published.set(id, module);
    // What a module defines is published there first, and by the façade after it.
    const children = [...item.inner.module.items];
    const rank = (child) => (index[child] && kindOf(index[child]) === 'module' ? 0 : 1);
    children.sort((one, other) => rank(one) - rank(other)).forEach((child) => walk(child, module));
  } else if (TYPES.includes(kind) || kind === 'trait') {
    const type = publish(item, kind, parent);
    const impls = kind === 'trait' ? [] : ownImpls(item.inner[kind]);
    type.impls = impls.map((block) => ({ item: block }));
    const methods = kind === 'trait' ? item.inner.trait.items : impls.flatMap((block) => block.inner.impl.items);
    for (const method of methods.map((each) => index[each]).filter(Boolean)) {
      if (kindOf(method) !== 'function' && kindOf(method) !== 'assoc_const') continue;
      if (kind !== 'trait' && method.visibility !== 'public') continue;
      type.methods.push(publish(method, 'method', parent, type));
    }
  } else if (PLAIN.includes(kind)) {
    publish(item, kind, parent);
  }
}

/** The `impl` blocks of a type's own. They have documentation too. */
function ownImpls({ impls }) {
  return impls.map((id) => index[id]).filter((block) => block && block.inner.impl.trait === null);
}

/** The Rust examples in a documentation: what `cargo test --doc` compiles. */
function examples(docs) {
  const found = [];
  let block = null;
  for (const line of (docs ?? '').split('\n')) {
    const fence = line.match(/^\s*```(.*)$/);
    if (!fence) block?.lines.push(line);
    else if (block) {
      if (block.rust) found.push(block.lines.join('\n'));
      block = null;
    } else block = { rust: isRust(fence[1]), lines: [] };
  }
  return found;
}

function isRust(info) {
  const words = info.split(/[\s,]+/).filter(Boolean);
  return words.every((word) => /^(rust|no_run|should_panic|compile_fail|edition\d+)$/.test(word));
}

const cache = new Map();
function of(entry) {
  if (!cache.has(entry)) cache.set(entry, examples(entry.item.docs));
  return cache.get(entry);
}

const word = (name) => new RegExp(`\\b${name}\\b`);
const call = (name) => new RegExp(`\\.${name}(\\(|::<)`);

function above(entry) {
  const modules = [];
  for (let module = entry.module; module; module = module.module) modules.push(module);
  return modules;
}

function hasExample(entry, all) {
  if (of(entry).length > 0) return true;
  if (entry.kind === 'module') return false;
  const neighbours = all.filter((other) => other !== entry && other.module === entry.module);
  const around = [...above(entry), ...neighbours, ...neighbours.flatMap((other) => other.impls ?? [])];
  const uses = (pages, ...patterns) =>
    pages.some((page) => of(page).some((text) => patterns.every((pattern) => pattern.test(text))));
  const { item: { name }, type } = entry;
  if (!type) return uses(around, word(name));

  const own = [type, ...(type.impls ?? []), ...type.methods, ...above(entry)];
  // `AppToken::received` is one of `Token` too: an alias ends in what it stands for.
  if (uses(around, new RegExp(`${type.item.name}(::<.*>)?::${name}\\b`))) return true;
  if (type.kind === 'trait' && uses(own, new RegExp(`\\bfn ${name}\\b`))) return true;
  if (uses(own, call(name)) || uses(around, word(type.item.name), call(name))) return true;
  const namesakes = neighbours.filter((other) => other.type && other.item.name === name);
  return namesakes.length === 0 && uses(around, call(name));
}

walk(root);
const all = [...published.values()];
const without = all.filter((entry) => !hasExample(entry, all));

const lines = without.map(({ item, kind, path }) => `${item.span.filename}:${item.span.begin[0]}: ${kind} ${path}`);
lines.sort().forEach((line) => console.error(line));
console.error(`${all.length} public items, ${without.length} without an example (rustdoc's format ${version})`);
process.exit(without.length === 0 ? 0 : 1);
