#!/usr/bin/env bash
# merge-users.sh SECRET FILE: rewrites FILE with the platform's users (SECRET) and all other users that ACL SAVE had stored in it.
set -euo pipefail
secret=$1 file=$2
kept=
if [[ -f $file ]]; then
  kept=$(awk 'NR == FNR { ours[$2]; next } $1 == "user" && !($2 in ours)' "$secret" "$file")
fi
printf '%s\n' "$(<"$secret")" ${kept:+"$kept"} >"$file.new"
mv "$file.new" "$file"
