#!/usr/bin/env bash
# Starts etcd. If this member's volume is new but the others already form a cluster, they refuse it under its old identity. It is then removed, added
# again, and copies their data.
# shellcheck disable=SC2329  # `within` calls functions by their names
set -euo pipefail

home=$ETCD_DATA_DIR
name=$ETCD_NAME
tls=(--cacert=/run/tls/ca.crt --cert=/run/tls/tls.crt --key=/run/tls/tls.key)

# A member with data just starts.
if [[ -d $home/member/wal ]]; then exec etcd; fi

others=$(tr ',' '\n' <<<"$ETCD_INITIAL_CLUSTER" | grep -v "^$name=" | sed 's/^.*=//; s/:2380$/:2379/' | paste -sd ,)
ctl() { etcdctl "${tls[@]}" --endpoints="$others" --dial-timeout=2s --command-timeout=5s "$@"; }
own_id() { ctl member list | awk -F ', ' -v url="https://$name:2380" '$4 == url { print $1 }'; }

# Retries a command for so many seconds. Members that have just started have no leader at first, and then refuse membership changes until they have
# been connected for five seconds.
within() {
  local given_up=$((SECONDS + $1))
  shift
  until "$@"; do
    if ((SECONDS >= given_up)); then return 1; fi
    sleep 0.5
  done
}
# Both functions are idempotent: an earlier attempt may have succeeded although its response was lost.
leave() {
  local id
  id=$(own_id) || return 1
  if [[ -n $id ]]; then ctl member remove "$id"; fi
}
join() {
  local id
  id=$(own_id) || return 1
  if [[ -z $id ]]; then ctl member add "$name" --peer-urls="https://$name:2380" >/dev/null; fi
}

rejoin() {
  trap 'exit 143' TERM INT
  within 10 own_id >/dev/null
  echo "$name: its volume is new; it leaves the cluster of the others and joins it again"
  rm -rf "$home"
  within 30 leave
  within 30 join
  export ETCD_INITIAL_CLUSTER_STATE=existing
  exec etcd
}

# The first start of the cluster is the common case and must not be delayed by checks: start, and check only after a refusal.
etcd &
child=$!
trap 'kill -TERM "$child" 2>/dev/null' TERM INT
code=0
wait "$child" || code=$?
while kill -0 "$child" 2>/dev/null; do
  code=0
  wait "$child" || code=$?
done
if ((code == 1)); then rejoin; fi
exit "$code"
