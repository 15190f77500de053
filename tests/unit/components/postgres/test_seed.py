"""Seeding takes the steps that are missing, and only those."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from nexusdev.components.postgres import desired_state
from nexusdev.components.postgres.seed import set_password, take

ALL = (*desired_state.CLUSTER, *desired_state.DATABASE)


@dataclass
class Connection:
    """A database that knows which steps are done, by the query that asks for them."""

    done: set[str] = field(default_factory=set)
    ran: list[str] = field(default_factory=list)

    def execute(self, query: str) -> Connection:
        self.ran.append(query)
        self.done |= {step.present for step in ALL if step.make == query}
        return self

    def fetchone(self) -> tuple[bool]:
        return (self.ran[-1] in self.done,)


def changes(connection: Any, steps: tuple[desired_state.SeedStep, ...]) -> list[str]:
    return [change.what for change in take(connection, steps)]


def test_an_empty_database_is_seeded_in_order() -> None:
    assert changes(Connection(), ALL) == [step.what for step in ALL]


def test_a_second_seeding_changes_nothing() -> None:
    connection = Connection()
    changes(connection, ALL)
    assert changes(connection, ALL) == []


@pytest.mark.parametrize("missing", ALL, ids=lambda step: step.what)
def test_only_missing_objects_are_created(missing: desired_state.SeedStep) -> None:
    connection = Connection(done={step.present for step in ALL} - {missing.present})
    assert changes(connection, ALL) == [missing.what]


def test_roles_are_created_before_their_objects() -> None:
    what = [step.what for step in desired_state.CLUSTER]
    assert what.index("created role nexus_owner") < what.index("created database nexus_architect")


def test_no_statement_contains_a_password() -> None:
    connection: Any = Connection()
    set_password(connection, "nexus_app", "verySecret")
    (statement,) = connection.ran
    assert statement.startswith("ALTER ROLE nexus_app PASSWORD 'SCRAM-SHA-256$4096:")
    assert "verySecret" not in statement
