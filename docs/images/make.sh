#!/usr/bin/env bash
# Makes the pictures of the README: the console after the administrator has seen as Jonas.
# Wants Chromium and curl; pngquant and optipng make the files smaller if they are there.
set -euo pipefail
cd "$(dirname "$0")/../.."

out=docs/images
console=127.0.0.1:4100
remote=127.0.0.1:8180
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
scratch=$(mktemp -d)

cargo build --quiet
# Its own folder, so that the keys and tokens of a run at hand stay as they are.
manifest=$PWD/manifest.yml
binary=${CARGO_TARGET_DIR:-$PWD/target}/debug/forge-remote
(cd "$scratch" && exec "$binary" dev --manifest "$manifest" --console "$console" --listen "$remote") \
  >"$scratch/log" 2>&1 &
dev=$!
trap 'kill -INT "$dev" 2>/dev/null; wait "$dev" || true; rm -rf "$scratch"' EXIT
# Any answer will do: what comes past the emulator is refused.
curl --silent --output /dev/null --retry 40 --retry-delay 1 --retry-connrefused "http://$remote/"
curl --silent --fail "http://$console/" >"$scratch/home"

# press LABEL: what the button with that label does, as its page has it; prints the answer's address.
press() {
  local user preset
  user=$(grep -o '<option value="[^"]*" selected>Mira' "$scratch/home" | cut -d'"' -f2)
  preset=$(grep -o "<button name=\"preset\"[^>]*><span[^>]*></span>$1" "$scratch/home" \
    | grep -o 'value="[^"]*"' | cut -d'"' -f2 | sed 's/&amp;/\&/g')
  curl --silent --output /dev/null --write-out '%{redirect_url}' "http://$console/invoke" \
    --data-urlencode "user=$user" --data-urlencode "preset=$preset" --data-urlencode path=/ \
    --data 'module=digest-page&method=GET'
}

# picture NAME ADDRESS FLAG...
picture() {
  local name=$1 address=$2
  shift 2
  "$chromium" --headless --no-sandbox --disable-gpu --no-first-run --hide-scrollbars \
    --disable-background-networking --user-data-dir="$scratch/chromium" \
    --window-size=1280,1100 --screenshot="$PWD/$out/$name" "$@" "$address" 2>>"$scratch/log"
  if command -v pngquant >/dev/null; then
    pngquant --force --skip-if-larger --ext .png --quality 80-100 128 "$out/$name" || true
  fi
  if command -v optipng >/dev/null; then optipng -quiet -o4 -strip all "$out/$name"; fi
}

press "as the user" >/dev/null
press "as the app" >/dev/null
seen=$(press "as Jonas Lindqvist")
picture console.png "$seen"
picture console-dark.png "$seen" --blink-settings=preferredColorScheme=0
ls -l "$out"/*.png
