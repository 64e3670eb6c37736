#!/usr/bin/env bash
# notes.sh VERSION [FILE]: prints what CHANGELOG.md says of a version that has its date.
set -euo pipefail

version=${1:?the version, such as 1.2.3}
file=${2:-$(dirname "$0")/../../CHANGELOG.md}
notes=$(awk -v heading="## [$version] - " '
  index($0, heading) == 1 { found = 1; next }
  found && /^## / { exit }
  found && /^\[[^]]*\]: / { exit }
  found { print }
' "$file")
if ! grep -q '[^[:space:]]' <<<"$notes"; then
  echo "$file has no section \`## [$version] - YYYY-MM-DD\` with anything in it" >&2
  exit 1
fi
printf '%s\n' "$notes"
