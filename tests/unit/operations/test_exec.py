"""exec and clients: a command in a service."""

from __future__ import annotations

import io

import pytest

from nexusdev.errors import NotFound, UsageError
from nexusdev.interfaces import Completed
from nexusdev.operations.exec import client, in_service
from nexusdev.operations.up import up
from tests.fakes import House


@pytest.fixture
def running(house: House) -> House:
    up(house.context())
    return house


def test_exec_passes_streams_and_exit_code(running: House) -> None:
    running.engine.scripts["redis-0"] = lambda argv, stdin: Completed(
        exit_code=7, stdout=(stdin or b"") + b"done", stderr=b"oops"
    )
    out, err = io.BytesIO(), io.BytesIO()
    call = in_service(running.context(), "redis-0", ["sh", "-c", "cat"])
    assert call.attach(io.BytesIO(b"in "), out, err, tty=False) == 7
    assert (out.getvalue(), err.getvalue()) == (b"in done", b"oops")


def test_a_stopped_service_is_told_apart_from_an_unknown_one(running: House) -> None:
    running.engine.end(running.container("redis-1"))
    with pytest.raises(NotFound, match="redis-1 is not running"):
        in_service(running.context(), "redis-1", ["true"])
    with pytest.raises(UsageError, match="redis-9"):
        in_service(running.context(), "redis-9", ["true"])


def test_a_client_runs_in_the_service_of_its_component(running: House) -> None:
    call = client(running.context(), "redis", ["PING"])
    assert (call.service, call.argv) == ("redis-0", ("client", "PING"))


def test_a_client_falls_back_to_another_server(running: House) -> None:
    running.engine.kill(running.container("redis-0"))
    assert client(running.context(), "redis", ["PING"]).service == "redis-1"


def test_a_client_of_a_stopped_component_has_a_hint(house: House) -> None:
    with pytest.raises(NotFound) as error:
        client(house.context(), "redis", ["PING"])
    assert error.value.hint == "nexusdev up redis"
