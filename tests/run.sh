#!/usr/bin/env bash
# Checks everything, on a Debian machine that has the Rust toolchain and nothing else: it
# installs Node.js, PostgreSQL, Prometheus, Chromium, Python's venv and a C++ compiler from Debian's
# packages if they are missing, and cargo-deny, cargo-fuzz, mdbook and four checkers of deployment
# files under target/.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }

need() { # need COMMAND PACKAGE...
  command -v "$1" >/dev/null && return
  say "installing $1"
  local root=""
  [ "$(id -u)" = 0 ] || root=sudo
  shift
  $root apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends "$@"
}

need node nodejs npm
need npm npm
node -e '
  const [major, minor] = process.versions.node.split(".").map(Number);
  process.exit(major > 18 || (major === 18 && minor >= 18) ? 0 : 1);
' || { echo "Node.js 18.18 or newer is needed, and $(node --version) is here: Debian 12 has 18.20" >&2; exit 1; }
# Debian keeps the server in no path. The tests start one of their own from it.
[ -n "${FORGE_REMOTE_TEST_POSTGRES:-}" ] || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 \
  || need initdb postgresql

# It brings promtool. The tests start one of their own: the package's would only take port 9090.
if ! command -v prometheus >/dev/null; then
  need prometheus prometheus
  if [ -d /run/systemd/system ]; then systemctl disable --now prometheus 2>/dev/null || true; fi
fi

say "format"
cargo fmt --check

say "lints"
cargo clippy --locked --all-targets -- -D warnings
cargo clippy --locked --no-default-features --lib --bins -- -D warnings
cargo clippy --locked --no-default-features --features conformance --lib --bins -- -D warnings

say "each feature alone"
for feature in mimalloc emulator otlp; do
  cargo check --quiet --locked --no-default-features --features "$feature" --lib --bins
done

say "tests"
npm ci --prefix examples/node --no-audit --no-fund --ignore-scripts
cargo test --locked

say "an example for each public item"
# rustdoc's JSON is not stable yet. Only rustdoc is told to give it: what build scripts and
# dependencies see stays as it is, and nothing but the crate's own pages is made again.
printf '#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc "$@"\n' > target/rustdoc-json
chmod +x target/rustdoc-json
RUSTDOC="$PWD/target/rustdoc-json" cargo rustdoc --locked --lib -- -Z unstable-options --output-format json
node tests/docs/examples.mjs target/doc/forge_remote.json

say "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --lib

say "the book"
mdbook=$(command -v mdbook || echo target/tools/bin/mdbook)
if [ ! -x "$mdbook" ]; then
  cargo install --quiet --locked --root target/tools mdbook --version '^0.5'
fi
"$mdbook" build

say "frontends: build, lints, tests"
npm ci --no-audit --no-fund --ignore-scripts
npm run build
npm run lint
npm test

say "the pages in a browser, against the emulator"
need chromium chromium
npm run test:browser

say "manifest.yml, by Atlassian's own validation, and by the rules of forge lint"
npm ci --prefix tests/manifest --no-audit --no-fund --ignore-scripts
node tests/manifest/validate.mjs manifest.yml
node tests/manifest/validate.mjs deploy/regions/manifest.yml
node tests/manifest/lint.mjs

say "files for images, clusters, hosts and releases"
# Debian has the module in a package of its own.
python3 -c 'import ensurepip' 2>/dev/null || need python3-venv python3 python3-venv
bash tests/deploy/check.sh

say "the package"
cargo package --quiet --locked --no-verify --allow-dirty

say "dependencies: licences, bans, sources, advisories"
deny=$(command -v cargo-deny || echo target/tools/bin/cargo-deny)
if [ ! -x "$deny" ]; then
  cargo install --quiet --locked --root target/tools cargo-deny --version '^0.20'
fi
"$deny" --all-features check --hide-inclusion-graph bans licenses sources
if "$deny" --all-features fetch db; then
  "$deny" --all-features check --hide-inclusion-graph --disable-fetch advisories
else
  echo "advisories NOT checked: their database cannot be reached from here"
fi

say "fuzzing, from the corpus, for a short time"
need c++ g++
fuzz=$(command -v cargo-fuzz || echo target/tools/bin/cargo-fuzz)
if [ ! -x "$fuzz" ]; then
  cargo install --quiet --locked --root target/tools cargo-fuzz --version '^0.13'
fi
cargo fmt --check --manifest-path fuzz/Cargo.toml
# `cargo fuzz` would write a lock file that is out of date anew.
cargo metadata --locked --format-version 1 --manifest-path fuzz/Cargo.toml >/dev/null
host=$(rustc -vV | sed -n 's/^host: //p')
"$fuzz" fuzz build --sanitizer none --target "$host" --target-dir target/fuzz
for target in $("$fuzz" fuzz list); do
  echo "-- $target"
  found="target/fuzz/found/$target"
  rm -rf "$found"
  mkdir -p "$found"
  # What is new goes to the first folder; the corpus is only read.
  "target/fuzz/$host/release/$target" "$found" "fuzz/corpus/$target" -seed=1 -verbosity=0 \
    -max_total_time=20 -rss_limit_mb=2048 -timeout=10 -artifact_prefix="target/fuzz/found/$target-" \
    -print_final_stats=1
done

say "all checks passed"
