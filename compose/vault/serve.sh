#!/bin/sh
# serve.sh unseal|node: runs a Vault server and its helper. It is plain sh, so that any image with vault in its PATH works.
#
#   unseal  unseals the server with its key share as soon as the share exists
#   node    starts the server when its seal answers, and limits the audit log to 3 x 16 MiB and its copy in memory to 1 MiB
#
# The server is a child process: `touch /data/reset` and the end of the server restart it with empty data in the same container. nexusdev does this
# when an initialization was interrupted before its keys were stored: such data can never be unsealed.
set -u
umask 077
kind=$1
audit=/data/audit/audit.log
# Vault refuses requests that it can write to no audit log; this log works on a full disk.
audit_in_memory=/tmp/audit.log
# Plugins that are not built in. An image with all of them built in has no such folder, and a server that is configured with a missing one ends.
plugins=/usr/local/lib/vault
export HOME=/tmp

# The vault client with one attempt, no retries and a short timeout.
ask() {
    address=$1
    shift
    VAULT_CACERT=/run/tls/ca.crt VAULT_MAX_RETRIES=0 VAULT_CLIENT_TIMEOUT=3s VAULT_ADDR=$address vault "$@"
}

# The seal is ready when it encrypts: the fourth node is up and unsealed, has the key and accepts the token.
seal_answers() {
    # not cp: it would keep the mode of a read-only secret, and the next copy could not replace the file
    cat /run/secrets/vault-seal-token >"$HOME/.vault-token" &&
        ask https://vault-unseal:8200 write -field=ciphertext transit/encrypt/nexus-seal plaintext=bmV4dXM= >/tmp/seal 2>&1
}

wait_for_seal() {
    waited=0
    until seal_answers; do
        [ $((waited % 20)) -eq 0 ] && echo "waiting for the seal: $(tail -n 1 /tmp/seal)"
        waited=$((waited + 1))
        sleep 0.5
    done
    rm -f "$HOME/.vault-token"
}

# Retries until the server reports that it is unsealed, once per start of the server: a manual seal stays.
unseal() {
    until [ -s /run/secrets/vault-unseal-key ]; do sleep 0.2; done
    until tr -d '\n' </run/secrets/vault-unseal-key |
        ask https://127.0.0.1:8200 write -field=sealed sys/unseal key=- 2>/dev/null | grep -q false; do
        sleep 0.3
    done
    echo "unsealed"
}

# Vault reopens the file on SIGHUP.
rotate() {
    while sleep 10; do
        size=$(stat -c %s "$audit_in_memory" 2>/dev/null || echo 0)
        [ "$size" -ge 1048576 ] && rm "$audit_in_memory" && kill -HUP "$1"
        size=$(stat -c %s "$audit" 2>/dev/null || echo 0)
        [ "$size" -lt 16777216 ] && continue
        [ -e "$audit.1" ] && mv "$audit.1" "$audit.2"
        mv "$audit" "$audit.1" && kill -HUP "$1"
    done
}

# A trapped signal ends `wait` early, so wait again until the server has exited.
await() {
    while :; do
        wait "$1"
        status=$?
        kill -0 "$1" 2>/dev/null || return "$status"
    done
}

serve() {
    [ "$kind" = node ] && wait_for_seal
    [ -e /data/reset ] && rm -rf /data/vault /data/audit /data/reset
    mkdir -p /data/vault /data/audit
    if [ "$kind" = node ]; then
        : >/tmp/plugins.hcl
        [ -d "$plugins" ] && echo "plugin_directory = \"$plugins\"" >/tmp/plugins.hcl
        vault server -config=/etc/vault/vault.hcl -config=/run/secrets/vault-seal.hcl -config=/tmp/plugins.hcl &
    else
        vault server -config=/etc/vault/vault.hcl &
    fi
    server=$!
    echo "$server" >/tmp/server.pid
    if [ "$kind" = node ]; then rotate "$server" & else unseal & fi
    helper=$!
    await "$server"
    status=$?
    kill "$helper" 2>/dev/null
    return "$status"
}

server=
ended=
trap 'ended=yes; [ -z "$server" ] && exit 0; kill -TERM "$server"' TERM INT

while :; do
    serve
    status=$?
    if [ -n "$ended" ] || [ ! -e /data/reset ]; then exit "$status"; fi
    echo "beginning anew with empty data"
done
