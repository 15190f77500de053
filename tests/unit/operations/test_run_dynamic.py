"""run --dynamic and env --dynamic: logins that exist for one command, and what happens when they cannot be renewed or revoked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from nexusdev.errors import Degraded, NotFound, UsageError
from nexusdev.events import Note
from nexusdev.interfaces import View
from nexusdev.operations.env import env
from nexusdev.operations.run import command
from nexusdev.operations.run_dynamic import DynamicLease, client_files, held, issue
from nexusdev.operations.up import up
from tests.dynamic_logins import FakeDatabase, FakeIssuer
from tests.fakes import House


@pytest.fixture
def issuer() -> FakeIssuer:
    return FakeIssuer(name="gateway", requires=())


@pytest.fixture
def running(house: House, issuer: FakeIssuer) -> House:
    house.redis, house.gateway = FakeDatabase(name="redis"), issuer
    up(house.context())
    return house


def notes(house: House) -> list[str]:
    return [each.text for each in house.heard.of(Note) if "login" in each.text]


def waiting(*answers: bool) -> tuple[list[float], Callable[[threading.Event, float], bool], threading.Event]:
    """The pauses between renewals, a wait that returns these answers at once, and an event for the last of them."""
    pauses: list[float] = []
    left: Iterator[bool] = iter(answers)
    done = threading.Event()

    def wait(over: threading.Event, seconds: float) -> bool:
        pauses.append(seconds)
        answer = next(left, True)
        if len(pauses) > len(answers):
            done.set()
        return answer

    return pauses, wait, done


def test_the_command_gets_the_issued_login_and_the_file_with_it(running: House) -> None:
    with held(running.context()) as lease, client_files(lease) as folder:
        found = command(
            running.context(), ["sh"], proof=False, change=lambda each: lease.in_place(each, View.HOST, folder=folder)
        )
        assert found.environment["DB_USER"] == "v-shop-app-0"
        file = Path(found.environment["DB_FILE"])
        assert file.read_text() == "v-shop-app-0"
        assert file.stat().st_mode & 0o777 == 0o600
        assert found.environment["GATEWAY_PLACE"] == "127.0.0.1"
    assert not file.exists()


def test_the_login_is_revoked_when_the_command_ends(running: House, issuer: FakeIssuer) -> None:
    with held(running.context()):
        assert issuer.valid == ["v-shop-app-0"]
    assert issuer.valid == []


def test_the_login_is_revoked_when_the_command_fails(running: House, issuer: FakeIssuer) -> None:
    with pytest.raises(KeyboardInterrupt), held(running.context()):
        raise KeyboardInterrupt
    assert issuer.valid == []


def test_a_login_that_cannot_be_revoked_does_not_keep_the_others(running: House, issuer: FakeIssuer) -> None:
    lease = issue(running.context())
    other = issuer.issue(lease.access, lease.database.dynamic_logins().roles)["shop-app"]
    gone = msgspec.structs.replace(other, user="unknown")
    both = msgspec.structs.replace(lease, issued={"gone": gone, **lease.issued, "other": other})
    with pytest.raises(Degraded, match="no such login"):
        both.revoke()
    assert issuer.valid == []


def test_a_failed_revocation_says_that_the_login_expires(running: House, issuer: FakeIssuer) -> None:
    issuer.broken = True
    with held(running.context()):
        pass
    assert notes(running) == [
        "the logins of this command were not revoked: connection refused. They expire by themselves"
    ]


def test_the_login_is_renewed_after_half_of_its_time(running: House, issuer: FakeIssuer) -> None:
    issuer.renewals += [3600.0, 600.0]
    pauses, wait, done = waiting(False, False)
    with held(running.context(), wait=wait):
        assert done.wait(5)
    assert pauses == [1800.0, 1800.0, 300.0]
    assert notes(running) == []


def test_a_login_that_cannot_be_renewed_is_reported_once_and_again_when_it_has_expired(
    running: House, issuer: FakeIssuer
) -> None:
    issuer.renewals += [30.0]
    pauses, wait, _ = waiting(False, False, False, False)
    lease = issue(running.context())
    from nexusdev.operations.run_dynamic import _renew

    _renew(running.context(), lease, threading.Event(), wait)
    assert pauses == [1800.0, 20.0, 20.0]
    assert notes(running) == [
        "the logins of this command end in 10 s unless they can be renewed: lease not found",
        "the logins of this command have expired: lease not found",
    ]


def test_without_a_secrets_engine_the_error_says_what_is_needed(house: House) -> None:
    house.redis = FakeDatabase(name="redis")
    up(house.context())
    with pytest.raises(NotFound, match="need PostgreSQL and Vault"):
        issue(house.context())


def test_env_prints_the_issued_login_and_leaves_out_what_needs_a_file(running: House, issuer: FakeIssuer) -> None:
    found = env(running.context(), proof=False, dynamic=True)
    assert found.variables["DB_USER"] == "v-shop-app-0"
    assert "DB_FILE" not in found.variables
    assert "DB_USER=v-shop-app-0" in found.text
    assert notes(running) == ["the logins to PostgreSQL expire in 60 min 0 s"]
    assert issuer.valid == ["v-shop-app-0"]


@pytest.mark.parametrize("options", [{"write": True}, {"style": "k8s-secret"}])
def test_what_is_written_never_has_logins_that_expire(
    running: House, issuer: FakeIssuer, options: dict[str, object]
) -> None:
    with pytest.raises(UsageError, match="--dynamic does not work with"):
        env(running.context(), dynamic=True, **options)  # type: ignore[arg-type]
    assert issuer.valid == []


def test_the_stored_variables_stay(running: House) -> None:
    env(running.context(), proof=False, dynamic=True)
    assert env(running.context(), proof=False).variables["DB_USER"] == "permanent"


def test_a_lease_replaces_only_the_variables_of_the_database(running: House) -> None:
    lease: DynamicLease = issue(running.context())
    values = {"DB_USER": "permanent", "DB_FILE": "/permanent/db.conf", "OTHER": "stays"}
    assert lease.in_place(values, View.CONTAINER) == {"DB_USER": "v-shop-app-0", "OTHER": "stays"}
