#!/usr/bin/env bash
# client.sh [ARGUMENT...]: redis-cli at the master, as the application, or as the administrator with `--user nexus_admin` among the arguments. The
# password goes from its file into redis-cli's environment only: it is in no argument and in no container's settings.
# Later arguments override earlier ones, so `-h redis-replica` works.
set -euo pipefail
case " $* " in
  *" --user nexus_admin "*) secret=redis-admin ;;
  *) secret=redis-app ;;
esac
REDISCLI_AUTH=$(<"/run/secrets/$secret")
export REDISCLI_AUTH
exec redis-cli --tls --cacert /run/tls/ca.crt --user nexus_app --no-auth-warning -h redis-master -p 6379 "$@"
