# Permissions of a migration job: read the logins of the owners of tables, and ask for short-lived ones. An application can read secret/nexus/, but not these.

path "secret/data/nexus-migrations/*" {
  capabilities = ["read"]
}
path "secret/metadata/nexus-migrations/*" {
  capabilities = ["read", "list"]
}

path "database/creds/nexus-migrate" {
  capabilities = ["read"]
}
path "sys/leases/revoke" {
  capabilities = ["update"]
}
