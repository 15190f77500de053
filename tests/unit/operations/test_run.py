"""run: a command on this machine with the variables of the instance."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import pytest
from msgspec.structs import replace

from nexusdev.errors import NotFound
from nexusdev.operations.run import Command, command, supervise
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


def python(text: str) -> Command:
    return Command(program=sys.executable, argv=(sys.executable, "-c", text), environment=dict(os.environ))


def test_a_supervised_command_has_the_callers_streams_and_exit_code(capfd: pytest.CaptureFixture[str]) -> None:
    assert supervise(python("print('said'); raise SystemExit(7)")) == 7
    assert capfd.readouterr().out == "said\n"


def test_a_supervised_command_that_a_signal_ends_has_the_exit_code_of_a_shell() -> None:
    assert supervise(python("import os, signal; os.kill(os.getpid(), signal.SIGTERM)")) == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_to_nexusdev_reaches_the_supervised_command(
    number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    text = f"""
import signal, sys, time
signal.signal({int(number)}, lambda *_: sys.exit(9))
print('ready', flush=True)
time.sleep(30)
"""

    def send() -> None:
        deadline = time.monotonic() + 20
        while "ready" not in capfd.readouterr().out and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(os.getpid(), number)

    threading.Thread(target=send).start()
    assert supervise(python(text)) == 9
