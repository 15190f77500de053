#!/usr/bin/env bash
# ask.sh HOST PORT COMMAND...: runs one command over TLS as the user `probe`. Fails without an answer within a second.
set -euo pipefail
host=$1 port=$2
shift 2
REDISCLI_AUTH=$(</run/secrets/redis-probe)
export REDISCLI_AUTH
exec timeout 1 redis-cli -e --tls --cacert /run/tls/ca.crt --user probe --no-auth-warning -h "$host" -p "$port" "$@" 2>/dev/null
