"""Templates of migrations: made once, made again after an interruption, and kept if another version made them."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import cast

import pytest

from nexusdev.errors import UsageError
from nexusdev.instance.leases import Lease, LeaseStore
from nexusdev.interfaces import InstanceAccess
from nexusdev.operations.lease_desk import LeaseDesk
from nexusdev.testing.migrations import MigrationFailed, Migrations, Variables
from nexusdev.testing.templates import forget_failures, template


def access() -> InstanceAccess:
    """Nothing asks a server."""
    return cast("InstanceAccess", object())


@pytest.fixture
def desk(tmp_path: Path) -> LeaseDesk:
    """No server has a part: what counts are the records."""
    return LeaseDesk(store=LeaseStore(folder=tmp_path), parts={}, connect=access, command="pytest")


@pytest.fixture
def ran() -> list[Variables]:
    """The variables of each run of the migrations."""
    return []


def made(desk: LeaseDesk, ran: list[Variables]) -> Lease:
    migrations = Migrations(title="db", digest="0123456789ab", run=ran.append)
    return template(desk, migrations, {"PGHOST": "localhost"}, nullcontext)


def test_migrations_run_once(desk: LeaseDesk, ran: list[Variables]) -> None:
    first = made(desk, ran)
    assert first.record.ready
    assert made(desk, ran) == first
    assert ran == [{"PGHOST": "localhost"}]


@pytest.mark.parametrize("content", ["", "{"], ids=["empty", "broken"])
def test_a_template_whose_record_is_broken_is_made_again(desk: LeaseDesk, ran: list[Variables], content: str) -> None:
    first = made(desk, ran)
    (first.folder / "record.json").write_text(content)
    again = made(desk, ran)
    assert again.record.id != first.record.id
    assert len(ran) == 2


def test_a_template_of_another_version_stays_and_is_told(desk: LeaseDesk, ran: list[Variables]) -> None:
    first = made(desk, ran)
    newer = f'{{"id": "{first.record.id}", "schema_version": 2}}'
    (first.folder / "record.json").write_text(newer)
    with pytest.raises(UsageError) as raised:
        made(desk, ran)
    assert raised.value.code == "LEASE_EXISTS"
    assert (first.folder / "record.json").read_text() == newer


def test_migrations_that_fail_run_once_for_all_processes_of_a_run(desk: LeaseDesk, ran: list[Variables]) -> None:
    def fail(variables: Variables) -> None:
        ran.append(variables)
        raise MigrationFailed("003.sql failed: no table")

    broken = Migrations(title="db", digest="0123456789ab", run=fail)

    def attempt(run: str) -> None:
        with pytest.raises(MigrationFailed, match=r"003\.sql failed: no table"):
            template(desk, broken, {}, nullcontext, run=run)

    attempt("one")
    attempt("one")
    assert len(ran) == 1
    attempt("another")
    assert len(ran) == 2
    forget_failures(desk, "another")
    attempt("another")
    assert len(ran) == 3
    attempt("")
    attempt("")
    assert len(ran) == 5


def test_a_broken_file_of_failures_is_ignored(desk: LeaseDesk, ran: list[Variables]) -> None:
    folder = desk.store.home / ".failed"
    folder.mkdir(parents=True)
    (folder / "pytest-template-0123456789ab.json").write_text("{")
    migrations = Migrations(title="db", digest="0123456789ab", run=ran.append)
    assert template(desk, migrations, {}, nullcontext, run="one").record.ready
