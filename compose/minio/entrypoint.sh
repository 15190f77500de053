#!/usr/bin/env bash
# Starts MinIO so that the nodes find each other's drives at once.
#
# A node calls its peers as soon as it runs; one that does not listen yet is called again after one to two seconds. But drives are
# looked for as soon as a single peer is there, and those that are missing then again after 15 s only: until then the node refuses
# to write. Nodes that start together are hit by this nearly always. So a node that came before a peer is held until all listen and
# every second call is due; one that comes back to running peers is not held, and a peer that stays away holds nobody for long.
set -eu

listens() {
	timeout 0.3 bash -c "exec 3<>/dev/tcp/$1/9000" 2>/dev/null
}

all_peers_listen() {
	local peer
	for peer in minio-{0..3}; do
		[ "$peer" = "$HOSTNAME" ] || listens "$peer" || return 1
	done
}

hold() {
	local server=$1 deadline=$((SECONDS + 6))
	until listens 127.0.0.1; do sleep 0.05; done
	kill -STOP "$server"
	until all_peers_listen || ((SECONDS >= deadline)); do sleep 0.1; done
	sleep 2
	kill -CONT "$server"
}

# In a grandchild, which the container's init reaps.
all_peers_listen || (hold $$ &)
exec minio "$@"
