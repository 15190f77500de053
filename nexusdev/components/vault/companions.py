"""Variables of Vault's clients that set another address, namespace or trust, or wrap the answers.

From Vault's API package and command line. VAULT_FORMAT and other preferences are not among them.
"""

#: The published variable whose meaning they change.
OF = "VAULT_ADDR"

COMPANIONS = (
    *("VAULT_NAMESPACE", "VAULT_AGENT_ADDR", "VAULT_PROXY_ADDR", "VAULT_HTTP_PROXY", "VAULT_SRV_LOOKUP"),
    *("VAULT_CACERT_BYTES", "VAULT_CAPATH", "VAULT_SKIP_VERIFY", "VAULT_TLS_SERVER_NAME"),
    *("VAULT_CLIENT_CERT", "VAULT_CLIENT_KEY", "VAULT_WRAP_TTL", "VAULT_MFA"),
)
