# What an application may do: read the credentials that the platform gives to applications, keep secrets of its own below secret/app/, and see how
# the cluster is (nexusdev asks with the application's token who votes).
# Everything else is closed; a project opens more with seed/vault/policies/NAME.hcl.

path "secret/data/nexus/*" {
  capabilities = ["read"]
}
path "secret/metadata/nexus/*" {
  capabilities = ["read", "list"]
}

path "secret/data/app/*" {
  capabilities = ["create", "read", "update", "patch", "delete"]
}
path "secret/metadata/app" {
  capabilities = ["list"]
}
path "secret/metadata/app/*" {
  capabilities = ["read", "list", "delete"]
}
path "secret/delete/app/*" {
  capabilities = ["update"]
}
path "secret/undelete/app/*" {
  capabilities = ["update"]
}
path "secret/destroy/app/*" {
  capabilities = ["update"]
}

path "sys/metrics" {
  capabilities = ["read"]
}
