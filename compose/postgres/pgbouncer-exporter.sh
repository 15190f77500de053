#!/usr/bin/env bash
# Starts the exporter once PgBouncer accepts connections: it would exit if its first connection failed.
set -euo pipefail
trap 'exit 143' TERM INT
until (exec 3<>/dev/tcp/127.0.0.1/6432) 2>/dev/null; do sleep 0.5; done
# Its driver ignores a password file that a group may read, as files of secrets are in Kubernetes; a variable of this process is in no setting either.
PGPASSWORD=$(</run/secrets/pgbouncer-monitor)
export PGPASSWORD
exec prometheus-pgbouncer-exporter "$@"
