#!/usr/bin/env bash
# Starts Sentinel as soon as there is a master to monitor: the one that the other sentinels name, or one with its replicas attached (a Sentinel that
# starts before them finds them ten seconds later). After its first start it knows the master and starts at once, with a longer timeout: when the
# whole stack starts, Redis queries the sentinels for its role first, and must not be considered down meanwhile.
set -euo pipefail
trap 'exit 143' TERM INT

me=$HOSTNAME
home=/data/sentinel
nodes=(redis-0 redis-1 redis-2)
sentinels=(sentinel-0 sentinel-1 sentinel-2)

ask() { bash /opt/nexus/ask.sh "$@"; }
identity() { printf '%s' "$1" | sha1sum | cut -d ' ' -f 1; }

named_by_others() {
  local sentinel name
  for sentinel in "${sentinels[@]}"; do
    [[ $sentinel != "$me" ]] || continue
    name=$(ask "$sentinel" 26379 --raw sentinel get-master-addr-by-name nexus | head -n 1) || continue
    if [[ $name == redis-* ]]; then
      printf '%s' "$name"
      return
    fi
  done
}

# Prints the master if it has at least $1 replicas.
master_with() {
  local node facts
  for node in "${nodes[@]}"; do
    facts=$(ask "$node" 6379 --raw info replication) || continue
    if [[ $facts == *role:master* ]]; then
      if [[ $facts =~ connected_slaves:([0-9]+) ]] && ((BASH_REMATCH[1] >= $1)); then printf '%s' "$node"; fi
      return
    fi
  done
}

find_master() {
  local name
  name=$(named_by_others)
  if [[ -n $name ]]; then printf '%s' "$name"; else master_with "$1"; fi
}

# The state that Sentinel wrote at its last run: the master, the known replicas and the known sentinels.
kept() {
  grep -E '^sentinel (monitor|config-epoch|leader-epoch|current-epoch|known-replica|known-sentinel) ' "$home/sentinel.conf"
}

# At the first start the sentinels know each other already (their IDs are derived from their names), so there is no wait for discovery.
introduced() {
  local sentinel
  echo "sentinel monitor nexus $1 6379 2"
  for sentinel in "${sentinels[@]}"; do
    [[ $sentinel == "$me" ]] || echo "sentinel known-sentinel nexus $sentinel 26379 $(identity "$sentinel")"
  done
}

# Restores the timeout of sentinel.conf once the master answers, or after ten seconds.
become_strict() {
  local master=$1 strict=$2
  until ask "$master" 6379 ping >/dev/null || ((SECONDS >= 10)); do sleep 0.3; done
  # Sentinel itself reconnects every second: it must see the master before the shorter timeout applies.
  sleep 3
  REDISCLI_AUTH=$(awk '$2 == "sentinel-pass" { print $3 }' /run/secrets/redis-sentinel-passwords)
  export REDISCLI_AUTH
  until redis-cli -e --tls --cacert /run/tls/ca.crt --user sentinel --no-auth-warning -p 26379 \
    sentinel set nexus down-after-milliseconds "$strict" >/dev/null 2>&1; do sleep 0.3; done
}

configure() {
  {
    cat /opt/nexus/sentinel.conf
    echo "sentinel announce-ip $me"
    echo "sentinel myid $(identity "$me")"
    cat /run/secrets/redis-sentinel-passwords
    echo
    printf '%s\n' "$1"
  } >"$home/sentinel.conf.new"
  mv "$home/sentinel.conf.new" "$home/sentinel.conf"
}

umask 077
mkdir -p "$home"
master=
if ! state=$(kept 2>/dev/null) || [[ $state != *"sentinel monitor "* ]]; then
  # After ten seconds, one replica is enough instead of two.
  until master=$(find_master $((SECONDS < 10 ? 2 : 1))) && [[ -n $master ]]; do sleep 0.25; done
  printf '%s: watches %s\n' "$me" "$master"
  state=$(introduced "$master")
fi
bash /opt/nexus/merge-users.sh /run/secrets/redis-sentinel-users "$home/users.acl"
configure "$state"
if [[ -z $master ]]; then
  read -r _ _ _ strict < <(grep '^sentinel down-after-milliseconds nexus ' /opt/nexus/sentinel.conf)
  read -r _ _ _ master _ < <(grep '^sentinel monitor nexus ' "$home/sentinel.conf")
  sed -i 's/^\(sentinel down-after-milliseconds nexus\) .*/\1 30000/' "$home/sentinel.conf"
  become_strict "$master" "$strict" &
fi
exec redis-sentinel "$home/sentinel.conf"
