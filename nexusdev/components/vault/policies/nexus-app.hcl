# Permissions of an application: read the credentials that the platform provides, ask for short-lived logins to the database, encrypt with its key, and
# see the state of the cluster (nexusdev queries the voters with the application's token). Rules for the folders of its own secrets follow, each as in own-folder.hcl.
# Everything else is forbidden; a project grants more with seed/vault/policies/NAME.hcl.

path "secret/data/nexus/*" {
  capabilities = ["read"]
}
path "secret/metadata/nexus/*" {
  capabilities = ["read", "list"]
}

path "sys/metrics" {
  capabilities = ["read"]
}

path "database/creds/nexus-app" {
  capabilities = ["read"]
}
path "database/creds/nexus-readonly" {
  capabilities = ["read"]
}
# A lease can be revoked only by who knows its id.
path "sys/leases/revoke" {
  capabilities = ["update"]
}

path "transit/encrypt/nexus-app" {
  capabilities = ["update"]
}
path "transit/decrypt/nexus-app" {
  capabilities = ["update"]
}
path "transit/rewrap/nexus-app" {
  capabilities = ["update"]
}
path "transit/hmac/nexus-app" {
  capabilities = ["update"]
}
path "transit/verify/nexus-app" {
  capabilities = ["update"]
}
path "transit/datakey/plaintext/nexus-app" {
  capabilities = ["update"]
}
path "transit/datakey/wrapped/nexus-app" {
  capabilities = ["update"]
}
path "transit/keys/nexus-app" {
  capabilities = ["read"]
}
path "transit/keys/nexus-app/rotate" {
  capabilities = ["update"]
}
