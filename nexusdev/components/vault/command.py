"""What ``nexusdev vault --help`` prints."""

HELP = """\
Run the vault CLI with the application's token.

\b
nexusdev vault kv get secret/nexus/postgres
nexusdev vault token lookup
"""
