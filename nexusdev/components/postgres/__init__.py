"""PostgreSQL: one primary and two replicas under Patroni, their etcd cluster, and PgBouncer in front of the primary.

Files that only this component has:

    fencing.py      lets a replica take over at once when the primary has provably ended
    issuer.py       short-lived logins: the user and the statements with which Vault creates and drops them
    wakeup.py       makes Patroni act at once instead of at its next round
    seed_script.py  splits a seed file into messages to the server
    statements.py   splits SQL text into statements
"""
