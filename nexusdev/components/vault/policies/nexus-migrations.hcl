# What a migration job may do: read the logins of the owners of tables. An application reads secret/nexus/ and not this.

path "secret/data/nexus-migrations/*" {
  capabilities = ["read"]
}
path "secret/metadata/nexus-migrations/*" {
  capabilities = ["read", "list"]
}
