"""Vault: three raft nodes, unsealed by a fourth; KV version 2, AppRole, least-privilege policies, no root token left."""
