#!/usr/bin/env bash
# Starts Redis in the role that the sentinels and the other nodes report.
#
#   A majority of the sentinels names a master    follow it, or start as master
#   ... names this node, and its data is gone     wait until they name another: an empty master would empty its replicas
#   no sentinel answers, data is here             wait for them, then take the role this node had
#   no sentinel answers, no data anywhere         the first start: redis-0 is master
set -euo pipefail
trap 'exit 143' TERM INT

me=$HOSTNAME
first=redis-0
home=/data/redis
nodes=(redis-0 redis-1 redis-2)
sentinels=(sentinel-0 sentinel-1 sentinel-2)

say() { printf '%s: %s\n' "$me" "$*"; }
ask() { bash /opt/nexus/ask.sh "$@"; }
has_data() { [[ -d $home/appendonlydir || -f $home/dump.rdb ]]; }

# Prints the master that at least $1 sentinels name; all are queried in parallel.
named_by() {
  local sentinel votes=0 name=
  read -r votes name < <(
    for sentinel in "${sentinels[@]}"; do
      ask "$sentinel" 26379 --raw sentinel get-master-addr-by-name nexus | head -n 1 &
    done | grep -E '^redis-[0-9]+$' | sort | uniq -c | sort -rn
  ) || true
  if ((votes >= $1)); then printf '%s' "$name"; fi
}

# The state of the other nodes, one line each: "master", "holding" (keys or functions) or "empty". A node that does not answer has no line.
others() {
  local node
  for node in "${nodes[@]}"; do
    [[ $node == "$me" ]] || describe "$node" &
  done
  wait
}
describe() {
  local facts
  facts=$(ask "$1" 6379 --raw info replication keyspace memory) || return 0
  if [[ $facts == *role:master* ]]; then
    echo "$1 master"
  elif [[ $facts == *:keys=* || $facts =~ number_of_libraries:[1-9] ]]; then
    echo "$1 holding"
  else
    echo "$1 empty"
  fi
}

# Checks the other nodes before an empty node may become master. Prints the master to follow, or nothing while it has to wait.
look_around() {
  local found
  found=$(others)
  case $found in
    *master*) grep -m 1 master <<<"$found" | cut -d ' ' -f 1 ;;
    *holding*) ;;
    *empty*empty*) printf '%s' "$me" ;;
    *empty*) if ((SECONDS >= patience)); then printf '%s' "$me"; fi ;;
  esac
}

# Prints the master at the last run: Sentinel makes Redis save its role in redis.conf.
last_master() {
  local line
  line=$(grep -E '^replicaof ' "$home/redis.conf" 2>/dev/null) || line="replicaof $me"
  cut -d ' ' -f 2 <<<"$line"
}

# One attempt: prints the master, or nothing yet.
choose() {
  local named
  named=$(named_by "$1")
  if [[ -n $named && $named != "$me" ]]; then
    printf '%s' "$named"
  elif has_data; then
    if [[ -n $named ]]; then
      printf '%s' "$me"
    elif ((SECONDS >= patience)); then
      last_master
    fi
  elif [[ $me == "$first" || -n $named ]]; then
    look_around
  else
    printf '%s' "$first"
  fi
}

configure() {
  {
    echo "include /opt/nexus/redis.conf"
    echo "include /run/secrets/redis-replication"
    echo "replica-announce-ip $me"
    if [[ $1 != "$me" ]]; then echo "replicaof $1 6379"; fi
    if [[ $alone ]]; then echo "min-replicas-to-write 0"; fi
  } >"$home/redis.conf.new"
  mv "$home/redis.conf.new" "$home/redis.conf"
}

# Set for a server that has neither replicas nor sentinels (profile lite).
alone=${NEXUS_SINGLE:-}
umask 077
mkdir -p "$home"
# How long (seconds) to wait for servers that have not answered yet: the sentinels of a starting stack, and the second other node.
patience=3
if has_data; then patience=10; fi
told=0
master=$me
until [[ $alone ]] || { master=$(choose $((SECONDS < patience ? 2 : 1))) && [[ -n $master ]]; }; do
  if ((SECONDS >= told + 5)); then
    told=$SECONDS
    say "waits for a master to follow; the other nodes: $(others | paste -sd ,)"
  fi
  sleep 0.2
done
bash /opt/nexus/merge-users.sh /run/secrets/redis-users "$home/users.acl"
configure "$master"
say "starts; the master is $master"
exec redis-server "$home/redis.conf"
