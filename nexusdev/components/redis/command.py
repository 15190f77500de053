"""What ``nexusdev redis --help`` prints."""

HELP = """\
Run redis-cli on the master.

\b
nexusdev redis
nexusdev redis SET greeting hello
nexusdev redis INFO replication
"""
