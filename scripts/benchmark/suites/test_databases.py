"""pytest-databases: a container of its own, and one database for all tests of a process."""

import pytest
from pytest_databases.docker.postgres import _provide_postgres_service

pytest_plugins = ["pytest_databases.docker.postgres"]


@pytest.fixture(scope="session")
def service(docker_service, postgres_host, postgres_user, postgres_password, xdist_postgres_isolation_level):
    """Its own function with another image: no registry is asked."""
    with _provide_postgres_service(
        docker_service,
        image="nexusdev-bench/postgres:local",
        name="postgres-bench",
        host=postgres_host,
        user=postgres_user,
        password=postgres_password,
        xdist_postgres_isolate=xdist_postgres_isolation_level,
    ) as found:
        yield found


def test_first(service):
    pass


@pytest.mark.parametrize("number", range(40))
def test_pg(service, number):
    pass
