#!/usr/bin/env bash
# Makes the pictures of the README: the console after the administrator has seen as Jonas, and
# after the hour's tick has made a digest for each of two subscribers.
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

# subscribe USER
subscribe() {
  curl --silent --fail --output /dev/null "http://$console/invoke" --data-urlencode "user=$1" \
    --data 'module=digest-page&method=PUT&path=/api/subscription'
}

# fire FORM DATA: prints the address of the delivery, once the remote has answered.
fire() {
  curl --silent --output /dev/null --write-out '%{redirect_url}' "http://$console/events/$1" \
    --data "$2"
}

# handled DELIVERY: waits until its job has called and has done so for a second.
handled() {
  local before="" now
  for _ in $(seq 30); do
    now=$(curl --silent "$1" | grep -c 'class="badge' || true)
    [ "$now" != 0 ] && [ "$now" = "$before" ] && return
    before=$now
    sleep 1
  done
}

# picture NAME HEIGHT ADDRESS FLAG...
picture() {
  local name=$1 height=$2 address=$3
  shift 3
  "$chromium" --headless --no-sandbox --disable-gpu --no-first-run --hide-scrollbars \
    --disable-background-networking --user-data-dir="$scratch/chromium" \
    --window-size="1280,$height" --screenshot="$PWD/$out/$name" "$@" "$address" 2>>"$scratch/log"
  if command -v pngquant >/dev/null; then
    pngquant --force --skip-if-larger --ext .png --quality 80-100 128 "$out/$name" || true
  fi
  if command -v optipng >/dev/null; then optipng -quiet -o4 -strip all "$out/$name"; fi
}

press "as the user" >/dev/null
press "as the app" >/dev/null
seen=$(press "as Jonas Lindqvist")
picture console.png 1100 "$seen"
picture console-dark.png 1100 "$seen" --blink-settings=preferredColorScheme=0

grep -o '<option value="[^"]*"[^>]*>\(Mira\|Priya\)' "$scratch/home" | cut -d'"' -f2 \
  | while read -r user; do subscribe "$user"; done
# One that both may see, and one that only one of them may.
for page in 5341191 5341217; do
  handled "$(fire fire "event=avi:confluence:updated:page&subject=$page")"
done
tick=$(fire schedule key=digest-hourly)
handled "$tick"
picture events.png 1650 "$tick"
picture events-dark.png 1650 "$tick" --blink-settings=preferredColorScheme=0
ls -l "$out"/*.png
