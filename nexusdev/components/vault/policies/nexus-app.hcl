# What an application may do: read the credentials that the platform gives to applications, and see how the cluster is (nexusdev asks with the
# application's token who votes). The folders for its own secrets follow, each as in own-folder.hcl.
# Everything else is closed; a project opens more with seed/vault/policies/NAME.hcl.

path "secret/data/nexus/*" {
  capabilities = ["read"]
}
path "secret/metadata/nexus/*" {
  capabilities = ["read", "list"]
}

path "sys/metrics" {
  capabilities = ["read"]
}
