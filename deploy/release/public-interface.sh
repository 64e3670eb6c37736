#!/usr/bin/env bash
# Compares the library's public interface with that of the release before (the nearest tag
# behind HEAD). Without one there is nothing to keep to.
set -euo pipefail
cd "$(dirname "$0")/../.."

command -v cargo-semver-checks >/dev/null || cargo install --locked cargo-semver-checks
git config --global --add safe.directory "$PWD"
if ! before=$(git describe --tags --abbrev=0 --match 'v[0-9]*' HEAD^ 2>/dev/null); then
  echo "no release before this one"
  exit 0
fi
echo "compared with $before"
cargo semver-checks --baseline-rev "$before" --all-features
