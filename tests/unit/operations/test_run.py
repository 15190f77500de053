"""run: a command on this machine with the variables of the instance."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from nexusdev.errors import NotFound
from nexusdev.operations.run import command
from nexusdev.operations.up import up
from tests.fakes import House


@pytest.fixture
def running(house: House) -> House:
    up(house.context())
    return house


def test_run_uses_the_variables_of_the_last_up(running: House) -> None:
    found = command(running.context(), ["sh", "-c", "true"], proof=False)
    assert found.environment["REDIS_PLACE"] == "127.0.0.1"
    assert found.argv == ("sh", "-c", "true")
    assert found.program.endswith("/sh")


def test_run_bypasses_the_proxy_for_the_stack(running: House) -> None:
    environ = {"PATH": "/bin:/usr/bin", "HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "corp.example"}
    found = command(replace(running.context(), environ=environ), ["sh"], proof=False)
    assert found.environment["HTTPS_PROXY"] == "http://proxy:3128"
    assert found.environment["NO_PROXY"] == found.environment["no_proxy"] == "corp.example,127.0.0.1,localhost,::1"


def test_a_missing_command_is_named(running: House) -> None:
    with pytest.raises(NotFound, match="no-such-command"):
        command(running.context(), ["no-such-command"], proof=False)
