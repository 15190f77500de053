#!/usr/bin/env bash
# merge-users.sh SECRET FILE: writes FILE anew from the platform's users (SECRET) and those others that ACL SAVE had kept in it.
set -euo pipefail
secret=$1 file=$2
kept=
if [[ -f $file ]]; then
  kept=$(awk 'NR == FNR { ours[$2]; next } $1 == "user" && !($2 in ours)' "$secret" "$file")
fi
printf '%s\n' "$(<"$secret")" ${kept:+"$kept"} >"$file.new"
mv "$file.new" "$file"
