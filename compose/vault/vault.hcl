# One of the three nodes. Its name and addresses come from the environment (VAULT_RAFT_NODE_ID, VAULT_API_ADDR, VAULT_CLUSTER_ADDR), its seal from a
# second file, which contains a token.
cluster_name  = "nexus"
disable_mlock = true

# Our build contains no UI pages and shows a notice instead; the registry's image contains them.
ui = true

default_lease_ttl = "768h"
# The upper limit for every role; each role sets its own TTL.
max_lease_ttl = "8760h"

# Each response names the node that sent it.
enable_response_header_raft_node_id = true

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

storage "raft" {
  path                   = "/data/vault"
  performance_multiplier = 1

  # A node that joins becomes a voter after it was healthy for a while (10 s by default): this is checked twice a second instead of every 10 s.
  autopilot_reconcile_interval = "500ms"
  autopilot_update_interval    = "500ms"

  retry_join {
    leader_api_addr       = "https://vault-0:8200"
    leader_tls_servername = "vault-0"
    leader_ca_cert_file   = "/run/tls/ca.crt"
  }
  retry_join {
    leader_api_addr       = "https://vault-1:8200"
    leader_tls_servername = "vault-1"
    leader_ca_cert_file   = "/run/tls/ca.crt"
  }
  retry_join {
    leader_api_addr       = "https://vault-2:8200"
    leader_tls_servername = "vault-2"
    leader_ca_cert_file   = "/run/tls/ca.crt"
  }
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
