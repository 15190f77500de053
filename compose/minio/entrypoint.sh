#!/usr/bin/env bash
# Starts MinIO so that the nodes find each other's drives at once.
#
# A node calls its peers as soon as it runs; one that does not listen yet is called again after one to two seconds. But drives are
# looked for as soon as a single peer is there, once more within a second, and then after 15 s only: until then the node refuses
# to write. Nodes that start together are hit by this nearly always. So a node that came before a peer is held until all listen and
# every second call is due; one that comes back to running peers is not held.
#
# A peer that is not there holds nobody for long. One that runs and does not listen yet is waited for longer: on a busy machine the
# last node comes seconds after the first.
#
# On a busy machine nodes are also let go at different moments, and a drive can be missed all the same. Then the server is started again,
# once, which takes a second: now its peers run, and it finds all of them.
set -eu

absent_seconds=6
starting_seconds=30
# What is missing so long after the first drives were found will be looked for after 15 s only.
settled_seconds=3

# Prints how a peer stands: listening, starting (its system refuses the connection) or absent (nobody has its address).
standing() {
	local said
	if said=$(LC_ALL=C timeout 1 bash -c "exec 3<>/dev/tcp/$1/9000" 2>&1); then
		echo listening
	elif [[ $said == *refused* ]]; then
		echo starting
	else
		echo absent
	fi
}

# Waits for each peer in turn: one that has listened once is not asked again, for every question is a process.
await_peers() {
	local peer found
	for peer in minio-{0..3}; do
		until [[ $peer == "$HOSTNAME" ]]; do
			found=$(standing "$peer")
			if [[ $found == listening ]] || ((SECONDS >= starting_seconds)); then break; fi
			if [[ $found == absent ]] && ((SECONDS >= absent_seconds)); then break; fi
			sleep 0.2
		done
	done
}

all_peers_listen() {
	local peer
	for peer in minio-{0..3}; do
		[[ $peer == "$HOSTNAME" || $(standing "$peer") == listening ]] || return 1
	done
}

hold() {
	until (exec 3<>/dev/tcp/127.0.0.1/9000) 2>/dev/null; do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.05
	done
	kill -STOP "$1"
	await_peers
	sleep 2
	kill -CONT "$1"
}

# Whether this node's own server answers such a question of health with 200.
healthy() {
	local said
	said=$(printf 'GET /minio/health/%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$1" |
		timeout 3 openssl s_client -quiet -verify_return_error -CAfile /run/tls/CAs/ca.crt -connect localhost:9000 2>/dev/null) || true
	[[ $said == "HTTP/1."[01]" 200"* ]]
}

# The server sees every drive when it could do without its own (maintenance) and still write. One node after the other
# starts again, and only where the peers are there: a drive that is missing for another reason is not found by that.
start_again_if_partial() {
	local deadline=$((SECONDS + 60))
	until healthy cluster/read; do
		kill -0 "$1" 2>/dev/null && ((SECONDS < deadline)) || return 0
		sleep 0.5
	done
	sleep $((settled_seconds + ${HOSTNAME##*-}))
	if healthy 'cluster?maintenance=true' || ! all_peers_listen; then return 0; fi
	echo "$HOSTNAME: a peer came too late for its drive to be found; the server starts again"
	touch "$again"
	kill -TERM "$1"
}

help_start() {
	hold "$1"
	start_again_if_partial "$1"
}

again=/tmp/again
server=
ended=

# Called by a signal. A server that is held takes it only when it is let go.
# shellcheck disable=SC2329
end() {
	ended=yes
	[[ -z $server ]] || kill -TERM "$server" 2>/dev/null || true
	[[ -z $server ]] || kill -CONT "$server" 2>/dev/null || true
}
trap end TERM INT

# A trapped signal ends `wait` early; the server is asked for again until it is really gone.
await() {
	local status=0
	wait "$1" || status=$?
	while kill -0 "$1" 2>/dev/null; do
		status=0
		wait "$1" || status=$?
	done
	return "$status"
}

run() {
	minio "$@" &
	server=$!
}

rm -f "$again"
early=
all_peers_listen || early=yes
run "$@"
[[ -z $early ]] || help_start "$server" &
code=0
await "$server" || code=$?
if [[ -e $again && -z $ended ]]; then
	code=0
	run "$@"
	await "$server" || code=$?
fi
exit "$code"
