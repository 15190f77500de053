#!/bin/sh
# client.sh [--operator] ARGUMENT...: the vault CLI at vault-active, with the application's token, or logged in as the operator.
# The token goes from its file into the client's home directory only: it is in no argument and in no container's settings.
set -eu
umask 077
export VAULT_ADDR=https://vault-active:8200 VAULT_CACERT=/run/tls/ca.crt
HOME=$(mktemp -d /tmp/client.XXXXXX)
export HOME
trap 'rm -rf "$HOME"' EXIT
if [ "${1:-}" = --operator ]; then
    shift
    vault write -field=token auth/approle/login - </run/secrets/vault-operator-login >"$HOME/.vault-token"
elif [ -r /run/secrets/vault-app-token ]; then
    cat /run/secrets/vault-app-token >"$HOME/.vault-token"
fi
vault "$@"
