#!/usr/bin/env bash
# verify.sh TAG: prints the version if the tag, Cargo.toml and CHANGELOG.md agree on it.
set -euo pipefail
cd "$(dirname "$0")/../.."

tag=${1:?the tag, such as v1.2.3}
version=$(sed -n '/^\[package\]/,/^\[/ s/^version = "\(.*\)"$/\1/p' Cargo.toml)
if [ "$tag" != "v$version" ]; then
  echo "the tag is $tag, and Cargo.toml has $version: it must be v$version" >&2
  exit 1
fi
locked=$(sed -n '/^name = "forge-remote"$/{n;s/^version = "\(.*\)"$/\1/p;}' Cargo.lock)
if [ "$locked" != "$version" ]; then
  echo "Cargo.lock has $locked, and Cargo.toml $version: run cargo check" >&2
  exit 1
fi
# With nothing in it, it would be an empty release.
bash deploy/release/notes.sh "$version" >/dev/null
echo "$version"
