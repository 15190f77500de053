"""Vault: three raft nodes that unseal themselves by a fourth, KV version 2, AppRole, least-privilege policies, no root token left."""
