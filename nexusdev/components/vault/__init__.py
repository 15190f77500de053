"""Vault: three raft nodes, unsealed by a fourth; KV version 2, AppRole, least-privilege policies, no root token left.

Files that only this component has:

    initialize.py       initializes one node and stores its recovery key
    unsealer.py         the node that unseals the others
    root_token.py       root tokens for one task, revoked afterwards
    tokens.py           the logins of nexusdev and of the application
    kv.py               the key-value store at ``secret/``
    database_engine.py  short-lived logins to databases
    pending.py          operations that an interruption must not lose
    reset.py            removes data that cannot be unsealed
"""
