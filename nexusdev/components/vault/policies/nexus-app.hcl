# Permissions of an application: read the credentials that the platform provides, and see the state of the cluster (nexusdev queries the voters with
# the application's token). Rules for the folders of its own secrets follow, each as in own-folder.hcl.
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
