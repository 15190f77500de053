#!/usr/bin/env bash
# Starts MinIO so that the nodes find each other's drives at once.
#
# A node connects to its peers as soon as it runs, and retries a peer that does not listen yet after one to two seconds. But it looks for drives as
# soon as a single peer is up, a second time within a second, and then only after 15 s. Until then it refuses writes. Nodes that start together nearly
# always hit this. So a node that starts before a peer is suspended until all peers listen and every retry is due. A node that returns to running
# peers is not suspended.
#
# The wait for a peer that is absent is short. The wait for a peer that runs but does not listen yet is longer: on a busy machine the last node starts
# seconds after the first.
#
# On a busy machine nodes also resume at different moments, and a drive can still be missed. Then the server is restarted once, which takes a second:
# its peers run by then, and it finds all drives.
set -eu

absent_seconds=6
starting_seconds=30
# After this time, a drive that is still missing is looked for only after 15 s.
settled_seconds=3

# Prints the state of a peer: listening, starting (its host refuses the connection) or absent (its address is not in use).
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

# Waits for each peer in turn. A peer that has listened once is not checked again, because every check starts a process.
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

# Succeeds if this node's own server answers the health request with 200.
healthy() {
	local said
	said=$(printf 'GET /minio/health/%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$1" |
		timeout 3 openssl s_client -quiet -verify_return_error -CAfile /run/tls/CAs/ca.crt -connect localhost:9000 2>/dev/null) || true
	[[ $said == "HTTP/1."[01]" 200"* ]]
}

# A server sees every drive if it could still write without its own (maintenance). The nodes restart one after the other, and only if all peers
# listen: a restart does not find a drive that is missing for another reason.
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

# Signal handler. A suspended server receives the signal only after SIGCONT.
# shellcheck disable=SC2329
end() {
	ended=yes
	[[ -z $server ]] || kill -TERM "$server" 2>/dev/null || true
	[[ -z $server ]] || kill -CONT "$server" 2>/dev/null || true
}
trap end TERM INT

# A trapped signal ends `wait` early, so wait again until the server has exited.
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

# A node without peers (profile lite) has one drive, which has no parity.
if [[ -n ${NEXUS_SINGLE:-} ]]; then
	unset MINIO_STORAGE_CLASS_STANDARD
	code=0
	run "${@:1:$#-1}" /data/minio
	await "$server" || code=$?
	exit "$code"
fi

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
