"""Short-lived logins: the user with which Vault creates and drops them, and the statements that Vault runs.

An issued login is a member of a permanent role and has the rights of that role. Logins for migrations act as the owner of the tables from the
start of a session, so that the objects that they create belong to the owner and remain.
https://developer.hashicorp.com/vault/docs/secrets/databases/postgresql
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from nexusdev.components.contract import Consumer, Variable
from nexusdev.components.dynamic_logins import DynamicLogins, DynamicRole, IssuedLogin
from nexusdev.components.postgres import names, variables
from nexusdev.components.postgres.client import session
from nexusdev.components.postgres.seed import set_password
from nexusdev.components.postgres.variables import Logins, PostgresLogin
from nexusdev.interfaces import InstanceAccess, View

APP, READONLY, MIGRATE = "nexus-app", "nexus-readonly", "nexus-migrate"
_CREATE = "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"
# Without SET a login cannot become the permanent role, which could change its own password.
_GRANT = 'GRANT {role} TO "{{{{name}}}}" WITH INHERIT TRUE, SET {becomes}'
_SET = 'ALTER ROLE "{{{{name}}}}" SET {setting}'
_REVOKE = "SELECT nexusdev.drop_login('{{name}}')"
# Variables that name the file of connection services.
_OF_FILES = ("PGSERVICEFILE", "JDBC_DATABASE_URL", "SPRING_DATASOURCE_URL")


def dynamic_logins() -> DynamicLogins:
    """Return the connection of Vault and the roles that it issues."""
    return DynamicLogins(
        plugin="postgresql-database-plugin",
        user=names.ISSUER,
        url=f"postgresql://{{{{username}}}}:{{{{password}}}}@{names.PRIMARY}:{names.SQL}/{names.DATABASE}"
        "?sslmode=verify-full&sslrootcert=/run/tls/ca.crt&application_name=vault",
        roles=(
            _role(APP, names.APP, Consumer.APPLICATION),
            _role(READONLY, names.READER, Consumer.APPLICATION, "default_transaction_read_only = on"),
            _role(MIGRATE, names.OWNER, Consumer.MIGRATIONS, f"role = '{names.OWNER}'"),
        ),
        published=(APP, MIGRATE),
    )


def set_issuer_password(access: InstanceAccess, password: str) -> None:
    """Set the password of Vault's user; the server receives its verifier alone."""
    with session(
        access, user=names.SUPERUSER, database=names.MAINTENANCE, doing="setting the password of Vault"
    ) as connection:
        set_password(connection, names.ISSUER, password)


def dynamic_variables(
    access: InstanceAccess, view: View, issued: Mapping[str, IssuedLogin], *, folder: str = ""
) -> Sequence[Variable]:
    """Return the variables with issued logins. The login for tests stays: it owns the databases that it creates."""
    found = variables.published(access, view, _logins(access, issued), folder=folder)
    return tuple(each for each in found if folder or each.name not in _OF_FILES)


def dynamic_files(access: InstanceAccess, view: View, issued: Mapping[str, IssuedLogin]) -> Mapping[str, str]:
    """Return the file of connection services with issued logins."""
    return variables.service_file(access, view, _logins(access, issued))


def _role(name: str, member_of: str, consumer: Consumer, *settings: str) -> DynamicRole:
    becomes = "TRUE" if consumer is Consumer.MIGRATIONS else "FALSE"
    grant = _GRANT.format(role=member_of, becomes=becomes)
    create = (_CREATE, grant, *(_SET.format(setting=setting) for setting in settings))
    return DynamicRole(name=name, consumer=consumer, create=create, revoke=(_REVOKE,))


def _logins(access: InstanceAccess, issued: Mapping[str, IssuedLogin]) -> Logins:
    permanent = variables.permanent_logins(access)
    return replace(
        permanent,
        application=_replaced(permanent.application, issued.get(APP)),
        owner=_replaced(permanent.owner, issued.get(MIGRATE)),
    )


def _replaced(login: PostgresLogin, issued: IssuedLogin | None) -> PostgresLogin:
    return replace(login, user=issued.user, password=issued.password) if issued else login
