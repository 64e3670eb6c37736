#!/bin/sh
# Runs an earlier release beside this one, on one PostgreSQL and under traffic:
#   tests/upgrade.sh <git ref>
# The earlier one is built in target/upgrade; what it finds there from before it uses again.
set -eu

ref=${1:?usage: tests/upgrade.sh <git ref>}
cd "$(dirname "$0")/.."
tree=$PWD/target/upgrade/tree
mkdir -p target/upgrade
git worktree prune
if [ -d "$tree" ]; then
    git -C "$tree" checkout --quiet --detach "$ref"
else
    git worktree add --quiet --detach "$tree" "$ref"
fi
(cd "$tree" && CARGO_TARGET_DIR=../build cargo build --locked --bin forge-remote)
FORGE_REMOTE_TEST_OLD_BINARY=$PWD/target/upgrade/build/debug/forge-remote
export FORGE_REMOTE_TEST_OLD_BINARY
exec cargo nextest run --locked --test it -E 'test(/^upgrades::mixed::/)'
