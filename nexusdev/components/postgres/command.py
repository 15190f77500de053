"""What ``nexusdev psql --help`` prints."""

HELP = """\
Run psql on the primary as the application user.

\b
nexusdev psql
nexusdev psql -c 'SELECT version()'
nexusdev psql < schema.sql
nexusdev psql --no-stdin -c "$SQL"    does not read the input of a script or loop
nexusdev psql -U nexus_owner    as the owner of the tables
"""
