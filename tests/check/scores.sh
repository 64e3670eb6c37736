#!/bin/bash
# Checks the remotes of this repository one after the other, and prints a table of scores:
#   tests/check/scores.sh [NAME…]
# A NAME is one of: serve, remote, node, plain, strong; all of them by default. Each gets the
# settings that the checker prints, the manifest that fits it and the paths its pages call.
# Reports and logs stay in target/scores. It takes Node and about a minute for each remote.
# FORGE_REMOTE_BINARY is checked instead of a build of the profile `dev`.
set -euo pipefail
# A background job is a process group: what a remote has started ends with it.
set -m

root=$(cd "$(dirname "$0")/../.." && pwd)
out=$root/target/scores
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(serve remote node plain strong)

cd "$root"
cargo build --quiet --locked --bin forge-remote --example remote
binary=${FORGE_REMOTE_BINARY:-$root/target/debug/forge-remote}
for packages in examples/node benches/compare/node; do
    [ -d "$packages/node_modules" ] ||
        npm ci --prefix "$packages" --no-audit --no-fund --ignore-scripts --loglevel=error
done

free_port() {
    node -e 'const it = require("node:net").createServer().listen(0, "127.0.0.1", () => {
        console.log(it.address().port); it.close(); });'
}

# What a remote is: its command, its manifest, and the paths of its pages.
describe() {
    manifest=$root/manifest.yml
    case $1 in
        serve)
            start=("$binary" serve)
            paths=(/api/content '/api/content?as=app' /api/me /api/invocation
                'PUT:/api/subscription={"spaces":["ENG"]}' /api/digest
                '/api/accounts/{account}/content')
            ;;
        remote)
            start=("$root/target/debug/examples/remote")
            paths=(/api/changed)
            ;;
        node)
            start=(node "$root/examples/node/remote.mjs")
            paths=(/api/mine)
            ;;
        plain | strong)
            start=(node "$root/benches/compare/node/$1.mjs")
            manifest=$root/tests/check/pages.yml
            paths=(/api/content /api/invocation '/api/accounts/{account}/content')
            ;;
        *)
            echo "there is no remote named $1" >&2
            exit 2
            ;;
    esac
}

# The script that ends the remote, if it runs, and starts it again; in bash, for `set -m`.
write_start() {
    {
        echo '#!/bin/bash'
        echo 'set -m'
        printf 'cd %q || exit 1\n' "$place"
        # Each group is waited for: the next life needs the port.
        echo 'if [ -f pid ]; then'
        echo '    kill -KILL -- "-$(cat pid)"'
        echo '    while kill -0 -- "-$(cat pid)"; do sleep 0.05; done'
        echo 'fi 2>/dev/null'
        printf 'export %q\n' \
            "FORGE_REMOTE__APP__IDS=$app" "APP_ID=$app" \
            "FORGE_REMOTE__FIT__JWKS_URL=$origin/.well-known/jwks.json" \
            "JWKS_URL=$origin/.well-known/jwks.json" \
            "FORGE_REMOTE__ATLASSIAN__API_HOSTS=127.0.0.1" \
            "API_ORIGIN=$origin" "API_ORIGINS=$origin" \
            "FORGE_REMOTE__ATLASSIAN__GRAPHQL_URL=$origin/graphql" "GRAPHQL_URL=$origin/graphql" \
            "FORGE_REMOTE__ATLASSIAN__STORAGE_URL=$origin/forge/storage/kvs" \
            "FORGE_REMOTE__SERVER__LISTEN=127.0.0.1:$port" "PORT=$port" \
            "FORGE_REMOTE__SERVER__ADMIN_LISTEN=127.0.0.1:0" \
            "FORGE_REMOTE__STORE__URL=sqlite://remote.db" \
            "FORGE_REMOTE__STORE__ENCRYPTION_KEY=$store_key" "NODE_ENV=production"
        printf '%q ' "${start[@]}"
        echo '>>remote.log 2>&1 </dev/null &'
        echo 'echo $! >pid'
    } >"$place/start.sh"
    chmod +x "$place/start.sh"
}

end_remote() {
    [ ! -f "$place/pid" ] || kill -KILL -- "-$(cat "$place/pid")" 2>/dev/null || true
}

app=ari:cloud:ecosystem::app/6b1f0d3e-2c4a-4f7b-9d15-0a8e6c3b5f21
# What was sealed before a restart is to be read after it.
store_key=$(head -c 32 /dev/urandom | base64)
reports=()
for name in "${names[@]}"; do
    describe "$name"
    place=$out/$name
    rm -rf "$place"
    mkdir -p "$place"
    port=$(free_port)
    checker=$(free_port)
    origin=http://127.0.0.1:$checker
    write_start
    options=()
    for path in "${paths[@]}"; do options+=(--ui-path "$path"); done
    trap end_remote EXIT
    echo "checking $name" >&2
    "$place/start.sh"
    # 1: a rule is broken that a remote must keep. That is what the table is to tell.
    code=0
    "$binary" check "http://127.0.0.1:$port" --listen "127.0.0.1:$checker" \
        --manifest "$manifest" "${options[@]}" --restart-command "$place/start.sh" \
        --json "$place/check.json" --junit "$place/check.xml" --badge "$place/badge.json" \
        >"$place/check.txt" 2>"$place/check.log" || code=$?
    end_remote
    trap - EXIT
    if [ "$code" -gt 1 ]; then
        cat "$place/check.log" >&2
        exit "$code"
    fi
    reports+=("$place/check.json")
done

node - "${reports[@]}" <<'END'
const { readFileSync } = require('node:fs');
const { basename, dirname } = require('node:path');
const cell = ({ passed, failed }) => `${passed} of ${passed + failed}`;
console.log('| remote | must | should | not exercised | seconds |');
console.log('|---|---|---|---|---|');
const missed = [];
for (const path of process.argv.slice(2)) {
  const { score: { must, should }, seconds, rules } = JSON.parse(readFileSync(path));
  const name = basename(dirname(path));
  const rest = must.notExercised + should.notExercised;
  console.log(`| ${name} | ${cell(must)} | ${cell(should)} | ${rest} | ${Math.round(seconds)} |`);
  for (const { id, severity, verdict } of rules) {
    if (verdict === 'failed') missed.push(`${name}: ${severity} ${id}`);
  }
}
if (missed.length) console.log(`\n${missed.join('\n')}`);
END
