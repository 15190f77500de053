"""The PostgreSQL component against ``components.contract``."""

from __future__ import annotations

from nexusdev.components.postgres.component import create

COMPONENT = create({})


def test_psql_runs_in_a_node_as_the_application_without_a_visible_password() -> None:
    client = COMPONENT.client(("-c", "SELECT 1"))
    assert client is not None
    assert client.group == "postgresql"
    assert client.argv[-3:] == ("psql", "-c", "SELECT 1")
    assert {"PGUSER=nexus_app", "PGSSLMODE=verify-full", "PGPASSFILE=/tmp/.pgpass"} <= set(client.argv)
    assert not any("PGPASSWORD" in word for word in client.argv)
