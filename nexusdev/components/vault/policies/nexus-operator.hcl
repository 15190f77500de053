# Permissions of nexusdev after the root token is revoked: manage audit devices, mounts, auth methods, policies, roles and secrets, and the raft
# cluster. A client that may write policies can grant itself more: an operator is trusted with this, as in production.

path "sys/audit" {
  capabilities = ["read", "sudo"]
}
path "sys/audit/*" {
  capabilities = ["create", "update", "delete", "sudo"]
}
path "sys/mounts" {
  capabilities = ["read"]
}
path "sys/mounts/*" {
  capabilities = ["create", "read", "update", "delete", "sudo"]
}
path "sys/auth" {
  capabilities = ["read"]
}
path "sys/auth/*" {
  capabilities = ["create", "read", "update", "delete", "sudo"]
}
path "sys/policies/acl" {
  capabilities = ["list"]
}
path "sys/policies/acl/*" {
  capabilities = ["create", "read", "update", "delete"]
}
path "sys/storage/raft/*" {
  capabilities = ["create", "read", "update"]
}
path "sys/step-down" {
  capabilities = ["update", "sudo"]
}
path "auth/approle/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}
path "auth/token/accessors" {
  capabilities = ["list", "sudo"]
}
path "auth/token/lookup-accessor" {
  capabilities = ["update"]
}
path "auth/token/revoke-accessor" {
  capabilities = ["update"]
}
path "secret/*" {
  capabilities = ["create", "read", "update", "patch", "delete", "list"]
}
path "database/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}
# An operator manages the roles and does not log in with them.
path "database/creds/*" {
  capabilities = ["deny"]
}
path "transit/keys/*" {
  capabilities = ["create", "read", "update", "list"]
}
path "sys/plugins/catalog/*" {
  capabilities = ["create", "read", "update", "sudo"]
}
path "sys/plugins/reload/backend" {
  capabilities = ["update", "sudo"]
}
path "sys/leases/lookup/*" {
  capabilities = ["list", "sudo"]
}
path "sys/leases/revoke" {
  capabilities = ["update"]
}
path "sys/leases/revoke-prefix/*" {
  capabilities = ["update", "sudo"]
}
