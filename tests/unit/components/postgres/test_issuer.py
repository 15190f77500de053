"""Short-lived logins of PostgreSQL: which rights they have, and what the variables contain."""

from __future__ import annotations

import pytest

from nexusdev.components.dynamic_logins import HasDynamicLogins, IssuedLogin
from nexusdev.components.postgres import issuer, names
from nexusdev.components.postgres.component import Postgres
from nexusdev.components.postgres.variables import variables
from nexusdev.interfaces import InstanceAccess, View

ROLES = {each.name: each for each in issuer.dynamic_logins().roles}


def login(role: str) -> IssuedLogin:
    return IssuedLogin(role=role, user=f"v-{role}", password="fresh", lease="l", token="t", seconds=3600)


def values(access: InstanceAccess, *roles: str, folder: str = "") -> dict[str, str]:
    issued = {role: login(role) for role in roles}
    found = issuer.dynamic_variables(access, View.HOST, issued, folder=folder)
    return {each.name: each.value for each in found}


def test_the_component_has_dynamic_logins() -> None:
    assert isinstance(Postgres(), HasDynamicLogins)


@pytest.mark.parametrize(
    ("role", "member_of"),
    [("nexus-app", names.APP), ("nexus-readonly", names.READER), ("nexus-migrate", names.OWNER)],
)
def test_a_login_expires_and_has_the_rights_of_one_role(role: str, member_of: str) -> None:
    first, grant = ROLES[role].create[:2]
    assert first == "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"
    becomes = "TRUE" if role == "nexus-migrate" else "FALSE"
    assert grant == f'GRANT {member_of} TO "{{{{name}}}}" WITH INHERIT TRUE, SET {becomes}'


def test_a_login_for_migrations_acts_as_the_owner_of_the_tables() -> None:
    assert ROLES["nexus-migrate"].create[2:] == (f"ALTER ROLE \"{{{{name}}}}\" SET role = '{names.OWNER}'",)


def test_a_login_that_only_reads_begins_its_transactions_so() -> None:
    assert ROLES["nexus-readonly"].create[2:] == ('ALTER ROLE "{{name}}" SET default_transaction_read_only = on',)


def test_a_revocation_is_one_statement_that_may_be_repeated() -> None:
    assert {each.revoke for each in ROLES.values()} == {("SELECT nexusdev.drop_login('{{name}}')",)}


def test_the_server_is_verified_by_the_certificate_authority_of_the_instance() -> None:
    url = issuer.dynamic_logins().url
    assert url.startswith(
        "postgresql://{{username}}:{{password}}@postgresql-primary:5432/nexus_architect?sslmode=verify-full&"
    )


def test_the_variables_have_the_issued_logins(access: InstanceAccess) -> None:
    found = values(access, "nexus-app", "nexus-migrate", folder="/run/x")
    assert (found["PGUSER"], found["PGPASSWORD"]) == ("v-nexus-app", "fresh")
    for name in ("DATABASE_URL", "DATABASE_RO_URL", "DATABASE_POOL_URL", "DATABASE_ASYNC_URL"):
        assert "//v-nexus-app:fresh@" in found[name], name
    assert "//v-nexus-migrate:fresh@" in found["DATABASE_MIGRATION_URL"]
    assert found["PGSERVICEFILE"] == "/run/x/pg_service.conf"
    assert {*found} == {each.name for each in variables(access, View.HOST)}


def test_variables_that_need_a_file_are_left_out_without_a_folder(access: InstanceAccess) -> None:
    permanent = {each.name for each in variables(access, View.HOST)}
    assert permanent - {*values(access, "nexus-app")} == {"PGSERVICEFILE", "JDBC_DATABASE_URL", "SPRING_DATASOURCE_URL"}


def test_the_login_for_tests_stays(access: InstanceAccess) -> None:
    permanent = {each.name: each.value for each in variables(access, View.HOST)}
    assert values(access, "nexus-app", "nexus-migrate")["DATABASE_TEST_URL"] == permanent["DATABASE_TEST_URL"]


def test_the_file_of_services_has_the_issued_logins(access: InstanceAccess) -> None:
    issued = {role: login(role) for role in ("nexus-app", "nexus-migrate")}
    (text,) = issuer.dynamic_files(access, View.HOST, issued).values()
    assert text.count("user=v-nexus-app\n") == 3
    assert text.count("user=v-nexus-migrate\n") == 1
