# Permissions of a migration job: read the logins of the owners of tables. An application can read secret/nexus/, but not these.

path "secret/data/nexus-migrations/*" {
  capabilities = ["read"]
}
path "secret/metadata/nexus-migrations/*" {
  capabilities = ["read", "list"]
}
