"""The desired state of PostgreSQL, as steps that know whether they are done. Data for ``seed``.

The migration owner owns the database and makes its tables; the application reads and writes rows in whatever the owner makes, and can
make nothing but temporary tables. As in production.
"""

# ruff: noqa: S608 - names come only from `names`
from __future__ import annotations

from msgspec import Struct

from nexusdev.components.postgres import names

EXTENSIONS = ("pg_stat_statements", "pgcrypto", "uuid-ossp", "pgaudit", "pg_cron")
_OWNER, _APP, _PROBE, _POOLER, _DATABASE = names.OWNER, names.APP, names.PROBE, names.POOLER, names.DATABASE
_MONITOR, _TEST, _ISSUER, _READER = names.MONITOR, names.TEST, names.ISSUER, names.READER


class SeedStep(Struct, frozen=True, kw_only=True):
    """One desired object. ``present`` selects whether it exists, ``make`` creates it, ``what`` describes that in the past tense."""

    what: str
    present: str
    make: str


ROLES = (_OWNER, _APP, _PROBE, _POOLER, _MONITOR, _TEST)
_CREATEDB = (_TEST,)


def _attributes(name: str) -> str:
    return f"LOGIN NOSUPERUSER {'' if name in _CREATEDB else 'NO'}CREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


def role(name: str) -> SeedStep:
    """A role that may log in, and create databases if it is for tests; its password is another matter."""
    return SeedStep(
        what=f"created role {name}",
        present=f"SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}')",
        make=f"CREATE ROLE {name} {_attributes(name)}",
    )


def plain(name: str) -> SeedStep:
    """Restore the attributes of a role that were changed."""
    creates = "rolcreatedb" if name in _CREATEDB else "NOT rolcreatedb"
    return SeedStep(
        what=f"reset the attributes of role {name}",
        present=f"""SELECT {creates} AND NOT (rolsuper OR rolcreaterole OR rolreplication OR rolbypassrls) AND rolcanlogin
                    FROM pg_roles WHERE rolname = '{name}'""",
        make=f"ALTER ROLE {name} {_attributes(name)}",
    )


def restriction(database: str) -> str:
    """Return the statements that open a database to its own roles and to nobody else."""
    return f"""REVOKE ALL ON DATABASE {database} FROM PUBLIC;
                 GRANT CONNECT, TEMP ON DATABASE {database} TO {_APP};
                 GRANT CONNECT ON DATABASE {database} TO {_PROBE}, {_MONITOR}, {_ISSUER}, {_READER}"""


# Vault's user manages the logins that it creates, and grants them the rights of these roles. It has the rights of the owner, because what a login for
# migrations leaves behind is given to the owner. createrole_self_grant: it may end the sessions of its logins, and drop what they own.
_ISSUING = (
    SeedStep(
        what=f"created role {_READER}",
        present=f"SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = '{_READER}')",
        make=f"CREATE ROLE {_READER} NOLOGIN",
    ),
    SeedStep(
        what=f"created role {_ISSUER}",
        present=f"SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = '{_ISSUER}')",
        make=f"CREATE ROLE {_ISSUER} LOGIN NOSUPERUSER NOCREATEDB CREATEROLE NOREPLICATION NOBYPASSRLS",
    ),
    SeedStep(
        what=f"allowed {_ISSUER} to issue logins",
        present=f"""SELECT rolcreaterole AND NOT (rolsuper OR rolcreatedb OR rolreplication OR rolbypassrls)
                       AND EXISTS (SELECT FROM pg_db_role_setting WHERE setrole = pg_roles.oid
                                   AND setconfig @> ARRAY['createrole_self_grant=set, inherit'])
                       AND (SELECT count(*) = 3 FROM pg_auth_members
                            WHERE member = pg_roles.oid AND admin_option
                              AND roleid::regrole::text IN ('{_APP}', '{_READER}', '{_OWNER}'))
                    FROM pg_roles WHERE rolname = '{_ISSUER}'""",
        make=f"""ALTER ROLE {_ISSUER} LOGIN NOSUPERUSER NOCREATEDB CREATEROLE NOREPLICATION NOBYPASSRLS;
                 ALTER ROLE {_ISSUER} SET createrole_self_grant = 'set, inherit';
                 GRANT {_APP}, {_READER} TO {_ISSUER} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
                 GRANT {_OWNER} TO {_ISSUER} WITH ADMIN TRUE, INHERIT TRUE, SET TRUE""",
    ),
)


# In the maintenance database. PgBouncer reads passwords here, but not those of expired roles, replication roles and superusers.
CLUSTER = (
    *(step for name in ROLES for step in (role(name), plain(name))),
    *(
        SeedStep(
            what=f"allowed {name} to read statistics",
            present=f"SELECT pg_has_role('{name}', 'pg_monitor', 'MEMBER')",
            make=f"GRANT pg_monitor TO {name}",
        )
        for name in (_PROBE, _MONITOR)
    ),
    *_ISSUING,
    SeedStep(
        what=f"created database {_DATABASE}",
        present=f"SELECT EXISTS (SELECT FROM pg_database WHERE datname = '{_DATABASE}')",
        make=f"CREATE DATABASE {_DATABASE} OWNER {_OWNER} STRATEGY file_copy",
    ),
    SeedStep(
        what=f"restricted {_DATABASE} to its own roles",
        present=f"""SELECT NOT has_database_privilege('public', '{_DATABASE}', 'CONNECT')
                       AND has_database_privilege('{_APP}', '{_DATABASE}', 'CONNECT')
                       AND has_database_privilege('{_APP}', '{_DATABASE}', 'TEMP')
                       AND has_database_privilege('{_PROBE}', '{_DATABASE}', 'CONNECT')
                       AND has_database_privilege('{_MONITOR}', '{_DATABASE}', 'CONNECT')
                       AND has_database_privilege('{_ISSUER}', '{_DATABASE}', 'CONNECT')
                       AND has_database_privilege('{_READER}', '{_DATABASE}', 'CONNECT')""",
        make=restriction(_DATABASE),
    ),
    SeedStep(
        what=f"created database {names.TEST_DATABASE}",
        present=f"SELECT EXISTS (SELECT FROM pg_database WHERE datname = '{names.TEST_DATABASE}')",
        make=f"CREATE DATABASE {names.TEST_DATABASE} OWNER {_TEST} STRATEGY file_copy",
    ),
    # Test runners connect to this database to create others, so their role reads the instance's nonce here.
    SeedStep(
        what=f"created table nexusdev.instance for {_TEST}",
        present=f"SELECT COALESCE(has_table_privilege('{_TEST}', to_regclass('nexusdev.instance'), 'SELECT'), false)",
        make=f"""CREATE SCHEMA IF NOT EXISTS nexusdev;
                 CREATE TABLE IF NOT EXISTS nexusdev.instance (nonce text NOT NULL);
                 GRANT USAGE ON SCHEMA nexusdev TO {_TEST};
                 GRANT SELECT ON nexusdev.instance TO {_TEST}""",
    ),
    SeedStep(
        what="created PgBouncer's password lookup",
        present=f"SELECT COALESCE(has_function_privilege('{_POOLER}', to_regprocedure('pgbouncer.get_auth(text)'), 'EXECUTE'), false)",
        make=f"""CREATE SCHEMA IF NOT EXISTS pgbouncer;
                 CREATE OR REPLACE FUNCTION pgbouncer.get_auth(wanted text) RETURNS TABLE (username text, password text)
                 LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
                     SELECT rolname::text, CASE WHEN rolvaliduntil < now() THEN NULL ELSE rolpassword END
                     FROM pg_authid WHERE rolname = wanted AND rolcanlogin AND NOT rolreplication AND NOT rolsuper
                 $$;
                 REVOKE ALL ON FUNCTION pgbouncer.get_auth(text) FROM PUBLIC;
                 GRANT USAGE ON SCHEMA pgbouncer TO {_POOLER};
                 GRANT EXECUTE ON FUNCTION pgbouncer.get_auth(text) TO {_POOLER}""",
    ),
)


def extension(name: str) -> SeedStep:
    """Return the step that creates an extension in a database."""
    return SeedStep(
        what=f"created extension {name}",
        present=f"SELECT EXISTS (SELECT FROM pg_extension WHERE extname = '{name}')",
        make=f'CREATE EXTENSION "{name}"',
    )


# In nexus_architect itself.
DATABASE = (
    *(extension(name) for name in EXTENSIONS),
    SeedStep(
        what=f"allowed {_OWNER} to schedule jobs",
        present=f"SELECT has_schema_privilege('{_OWNER}', 'cron', 'USAGE')",
        make=f"GRANT USAGE ON SCHEMA cron TO {_OWNER}",
    ),
    SeedStep(
        what=f"allowed {_APP} to read and write objects of {_OWNER}",
        present=f"""SELECT count(*) = 3 FROM pg_default_acl
                    WHERE defaclrole = '{_OWNER}'::regrole AND defaclnamespace = 0 AND defaclobjtype IN ('r', 'S', 'n')
                      AND EXISTS (SELECT FROM aclexplode(defaclacl) WHERE grantee = '{_APP}'::regrole)""",
        make=f"""ALTER DEFAULT PRIVILEGES FOR ROLE {_OWNER} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {_APP};
                 ALTER DEFAULT PRIVILEGES FOR ROLE {_OWNER} GRANT USAGE, SELECT ON SEQUENCES TO {_APP};
                 ALTER DEFAULT PRIVILEGES FOR ROLE {_OWNER} GRANT USAGE ON SCHEMAS TO {_APP}""",
    ),
    # This grants no more than DELETE does, and test suites and fixture loaders need it. RESTART IDENTITY and DDL need the owner.
    SeedStep(
        what=f"allowed {_APP} to truncate tables and to set sequences of {_OWNER}",
        present=f"""SELECT count(*) = 2 FROM pg_default_acl, aclexplode(defaclacl)
                    WHERE defaclrole = '{_OWNER}'::regrole AND defaclnamespace = 0 AND grantee = '{_APP}'::regrole
                      AND (defaclobjtype, privilege_type) IN (('r', 'TRUNCATE'), ('S', 'UPDATE'))""",
        make=f"""ALTER DEFAULT PRIVILEGES FOR ROLE {_OWNER} GRANT TRUNCATE ON TABLES TO {_APP};
                 ALTER DEFAULT PRIVILEGES FOR ROLE {_OWNER} GRANT UPDATE ON SEQUENCES TO {_APP};
                 DO $$ DECLARE found record; BEGIN
                     FOR found IN SELECT oid::regclass AS name, relkind FROM pg_class
                                  WHERE relowner = '{_OWNER}'::regrole AND relkind IN ('r', 'p', 'S')
                     LOOP
                         EXECUTE format('GRANT %s ON %s TO {_APP}',
                                        CASE found.relkind WHEN 'S' THEN 'UPDATE' ELSE 'TRUNCATE' END, found.name);
                     END LOOP;
                 END $$""",
    ),
    SeedStep(
        what="created schema nexusdev",
        present="SELECT to_regnamespace('nexusdev') IS NOT NULL",
        make=f"CREATE SCHEMA nexusdev; GRANT USAGE ON SCHEMA nexusdev TO {_OWNER}, {_APP}, {_PROBE}",
    ),
    SeedStep(
        what="created table nexusdev.instance",
        present=f"SELECT COALESCE(has_table_privilege('{_OWNER}', to_regclass('nexusdev.instance'), 'SELECT'), false)",
        make=f"""CREATE TABLE IF NOT EXISTS nexusdev.instance (nonce text NOT NULL);
                 GRANT SELECT ON nexusdev.instance TO {_OWNER}, {_APP}, {_PROBE}""",
    ),
    SeedStep(
        what=f"allowed {_MONITOR} to read the number of refused logins",
        present=f"SELECT COALESCE(has_function_privilege('{_MONITOR}', to_regprocedure('nexusdev.refused_logins()'), 'EXECUTE'), false)",
        make=f"""CREATE OR REPLACE FUNCTION nexusdev.refused_logins() RETURNS TABLE (reason text, logins_total bigint)
                 LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
                     SELECT split_part(line, ' ', 1), split_part(line, ' ', 2)::bigint
                     FROM string_to_table(pg_read_file('/tmp/refused-logins', true), E'\\n') AS line WHERE line <> ''
                 $$;
                 REVOKE ALL ON FUNCTION nexusdev.refused_logins() FROM PUBLIC;
                 GRANT USAGE ON SCHEMA nexusdev TO {_MONITOR};
                 GRANT EXECUTE ON FUNCTION nexusdev.refused_logins() TO {_MONITOR}""",
    ),
    SeedStep(
        what=f"allowed {_READER} to read objects of {_OWNER}",
        present=f"""SELECT count(*) = 3 FROM pg_default_acl, aclexplode(defaclacl)
                    WHERE defaclrole = '{_OWNER}'::regrole AND defaclnamespace = 0 AND grantee = '{_READER}'::regrole
                      AND (defaclobjtype, privilege_type) IN (('r', 'SELECT'), ('S', 'SELECT'), ('n', 'USAGE'))""",
        make=f"""ALTER DEFAULT PRIVILEGES FOR ROLE {_OWNER} GRANT SELECT ON TABLES TO {_READER};
                 ALTER DEFAULT PRIVILEGES FOR ROLE {_OWNER} GRANT SELECT ON SEQUENCES TO {_READER};
                 ALTER DEFAULT PRIVILEGES FOR ROLE {_OWNER} GRANT USAGE ON SCHEMAS TO {_READER};
                 DO $$ DECLARE found record; BEGIN
                     FOR found IN SELECT oid::regclass AS name FROM pg_class
                                  WHERE relowner = '{_OWNER}'::regrole AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
                     LOOP
                         EXECUTE format('GRANT SELECT ON %s TO {_READER}', found.name);
                     END LOOP;
                     FOR found IN SELECT nspname AS name FROM pg_namespace WHERE nspowner = '{_OWNER}'::regrole LOOP
                         EXECUTE format('GRANT USAGE ON SCHEMA %I TO {_READER}', found.name);
                     END LOOP;
                 END $$""",
    ),
    # Vault repeats a revocation until it succeeds, so a login that does not exist any more is not an error.
    SeedStep(
        what=f"allowed {_ISSUER} to drop logins",
        present=f"SELECT COALESCE(has_function_privilege('{_ISSUER}', to_regprocedure('nexusdev.drop_login(text)'), 'EXECUTE'), false)",
        make=f"""CREATE OR REPLACE FUNCTION nexusdev.drop_login(login text) RETURNS void
                 LANGUAGE plpgsql SET search_path = pg_catalog AS $$
                 BEGIN
                     IF EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN
                         PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = login;
                         EXECUTE format('REASSIGN OWNED BY %I TO {_OWNER}', login);
                         EXECUTE format('DROP OWNED BY %I', login);
                         EXECUTE format('DROP ROLE %I', login);
                     END IF;
                 END $$;
                 REVOKE ALL ON FUNCTION nexusdev.drop_login(text) FROM PUBLIC;
                 GRANT USAGE ON SCHEMA nexusdev TO {_ISSUER};
                 GRANT EXECUTE ON FUNCTION nexusdev.drop_login(text) TO {_ISSUER}""",
    ),
    SeedStep(
        what="created table nexusdev.seeded",
        present="SELECT to_regclass('nexusdev.seeded') IS NOT NULL",
        make=f"""CREATE TABLE nexusdev.seeded (
                     path text, sha256 text, applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (path, sha256));
                 GRANT SELECT, INSERT, UPDATE, DELETE ON nexusdev.seeded TO {_OWNER}""",
    ),
)
