#!/usr/bin/env bash
# client.sh [ARGUMENT...]: redis-cli at the master, as nexus_admin. The password goes from its file into redis-cli's own
# environment: it is in no argument and in no container's settings. Later arguments win, so `-h redis-replica` works.
set -euo pipefail
REDISCLI_AUTH=$(</run/secrets/redis-admin)
export REDISCLI_AUTH
exec redis-cli --tls --cacert /run/tls/ca.crt --user nexus_admin --no-auth-warning -h redis-master -p 6379 "$@"
