# The fourth node: its one transit key unseals the other three.
disable_mlock = true
ui            = false

# The token of the other three must stay valid on a laptop that was off for months: ten years.
default_lease_ttl = "768h"
max_lease_ttl     = "87600h"

listener "tcp" {
  address                  = "0.0.0.0:8200"
  cluster_address          = "0.0.0.0:8201"
  tls_cert_file            = "/run/tls/tls.crt"
  tls_key_file             = "/run/tls/tls.key"
  tls_disable_client_certs = true
}

# For Prometheus: the one listener that serves metrics without a token. Its port is not published.
listener "tcp" {
  address                  = "0.0.0.0:8202"
  cluster_address          = "0.0.0.0:8203"
  tls_cert_file            = "/run/tls/tls.crt"
  tls_key_file             = "/run/tls/tls.key"
  tls_disable_client_certs = true

  telemetry {
    unauthenticated_metrics_access = true
  }
}

# A cluster of one voter: it becomes leader a second after it was unsealed.
storage "raft" {
  path                   = "/data/vault"
  performance_multiplier = 1
}

telemetry {
  prometheus_retention_time = "1h"
  disable_hostname          = true
  # Timings of each heartbeat, append and path of a request: they cost more than the messages themselves, and only Vault's developers use them.
  prefix_filter = [
    "-vault.raft.rpc", "-vault.raft.replication", "-vault.raft.boltdb", "-vault.raft_storage", "-vault.raft-storage",
    "-vault.route", "-vault.rollback",
  ]
}
