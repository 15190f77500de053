"""What an application reads: true in both views, and safe in every format without quotes."""

from __future__ import annotations

import configparser
import re

import pytest

from nexusdev.components.contract import Consumer
from nexusdev.components.postgres import names
from nexusdev.components.postgres.variables import client_files, credentials, variables
from nexusdev.interfaces import InstanceAccess, View


def values(access: InstanceAccess, view: View) -> dict[str, str]:
    return {variable.name: variable.value for variable in variables(access, view)}


def test_the_host_view_has_published_addresses(access: InstanceAccess) -> None:
    read = values(access, View.HOST)
    assert (read["PGHOST"], read["PGPORT"], read["PGDATABASE"], read["PGUSER"]) == (
        "127.0.0.1", "21032", "nexus_architect", "nexus_app",
    )  # fmt: skip
    assert read["DATABASE_URL"].endswith("@127.0.0.1:21032/nexus_architect?sslmode=verify-full")
    assert "@127.0.0.1:21033/" in read["DATABASE_RO_URL"]
    assert "@127.0.0.1:21034/" in read["DATABASE_POOL_URL"]
    assert read["DATABASE_MIGRATION_URL"].startswith("postgresql://nexus_owner:")
    assert read["DATABASE_MIGRATION_URL"].endswith("@127.0.0.1:21032/nexus_architect?sslmode=verify-full")
    assert read["DATABASE_TEST_URL"] == (
        "postgresql://nexus_test:postgrestestPassword@127.0.0.1:21032/nexus_test?sslmode=verify-full"
    )


def test_the_container_view_has_production_names(access: InstanceAccess) -> None:
    read = values(access, View.CONTAINER)
    assert (read["PGHOST"], read["PGPORT"]) == ("postgresql-primary", "5432")
    assert "@postgresql-replica:5432/" in read["DATABASE_RO_URL"]
    assert "@pgbouncer:6432/" in read["DATABASE_POOL_URL"]


def test_jdbc_reads_the_address_from_its_url_and_the_login_from_the_service_file(access: InstanceAccess) -> None:
    read = values(access, View.HOST)
    assert read["JDBC_DATABASE_URL"] == "jdbc:postgresql://127.0.0.1:21032/nexus_architect?service=nexus"
    assert read["SPRING_DATASOURCE_URL"] == read["JDBC_DATABASE_URL"]
    assert read["PGSERVICEFILE"] == access.client_file_in(View.HOST, "pg_service.conf")
    services = configparser.ConfigParser()
    services.read_string(client_files(access, View.HOST)["pg_service.conf"])
    assert services["nexus"]["password"] == read["PGPASSWORD"]
    assert services["nexus"]["sslrootcert"] == read["PGSSLROOTCERT"]
    assert services["nexus"]["sslmode"] == "verify-full"
    assert services["nexus-migration"]["user"] == "nexus_owner"
    for service, url in (("nexus-ro", "DATABASE_RO_URL"), ("nexus-pool", "DATABASE_POOL_URL")):
        assert f"{services[service]['host']}:{services[service]['port']}" in read[url]


def test_connection_services_in_a_container_have_its_addresses_and_paths(access: InstanceAccess) -> None:
    services = configparser.ConfigParser()
    services.read_string(client_files(access, View.CONTAINER)["pg_service.conf"])
    assert services["nexus"]["host"] == "postgresql-primary"
    assert services["nexus"]["sslrootcert"] == "/run/nexusdev/ca.crt"


def test_the_service_file_of_an_application_has_only_its_login(access: InstanceAccess) -> None:
    services = configparser.ConfigParser()
    services.read_string(client_files(access, View.CONTAINER, application=True)["pg_service.conf"])
    assert services.sections() == ["nexus", "nexus-ro", "nexus-pool"]
    assert {each["user"] for name, each in services.items() if name != "DEFAULT"} == {"nexus_app"}


def test_migration_and_test_variables_are_not_for_the_application(access: InstanceAccess) -> None:
    others = {each.name for each in variables(access, View.HOST) if not each.application}
    assert others == {"DATABASE_MIGRATION_URL", "DATABASE_TEST_URL"}


def test_the_asyncpg_url_has_only_supported_parameters(access: InstanceAccess) -> None:
    url = values(access, View.HOST)["DATABASE_ASYNC_URL"]
    assert url.startswith("postgresql+asyncpg://nexus_app:")
    assert url.endswith("@127.0.0.1:21032/nexus_architect?ssl=verify-full")


@pytest.mark.parametrize("view", list(View))
def test_no_value_needs_quoting_in_a_sourced_file(access: InstanceAccess, view: View) -> None:
    for name, value in values(access, view).items():
        assert re.fullmatch(r"[A-Za-z0-9:/@.,?=_%+-]+", value), name


def test_every_variable_with_a_password_is_secret(access: InstanceAccess) -> None:
    passwords = [each["password"] for each in credentials(access).values()]
    passwords.append(access.secrets.read(names.PASSWORDS[names.TEST]))
    holding = {
        variable.name
        for variable in variables(access, View.HOST)
        if any(password in variable.value for password in passwords)
    }
    assert {"PGPASSWORD", "DATABASE_URL", "DATABASE_MIGRATION_URL", "DATABASE_TEST_URL"} <= holding
    assert {variable.name for variable in variables(access, View.HOST) if variable.secret} == holding


def test_each_consumer_gets_only_its_login_with_network_addresses(
    access: InstanceAccess,
) -> None:
    kept = credentials(access)
    assert {consumer: each["username"] for consumer, each in kept.items()} == {
        Consumer.APPLICATION: "nexus_app",
        Consumer.MIGRATIONS: "nexus_owner",
    }
    for consumer, each in kept.items():
        assert each["host"] == "postgresql-primary"
        others = [other["password"] for name, other in kept.items() if name is not consumer]
        assert not any(password in each.values() for password in others)
