# A folder for the application's own secrets.

path "secret/data/FOLDER/*" {
  capabilities = ["create", "read", "update", "patch", "delete"]
}
path "secret/metadata/FOLDER" {
  capabilities = ["list"]
}
path "secret/metadata/FOLDER/*" {
  capabilities = ["read", "list", "delete"]
}
path "secret/delete/FOLDER/*" {
  capabilities = ["update"]
}
path "secret/undelete/FOLDER/*" {
  capabilities = ["update"]
}
path "secret/destroy/FOLDER/*" {
  capabilities = ["update"]
}
