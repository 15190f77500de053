"""Real programs as subprocesses: their input, their end, and a time that is too long."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from nexusdev.errors import PreflightFailed, RuntimeSlow
from nexusdev.runtimes.kind.commands import Subprocesses


def endless() -> Iterator[bytes]:
    while True:
        yield b"x" * 65536


def test_a_program_gets_its_input_and_its_answer_is_returned() -> None:
    done = Subprocesses().run(["sh", "-c", "cat; echo words >&2; exit 3"], stdin=[b"one ", b"two"], timeout=30)
    assert (done.code, done.output, done.words) == (3, b"one two", "words\n")


def test_a_program_that_ends_before_it_has_read_its_input_tells_why() -> None:
    done = Subprocesses().run(["sh", "-c", "echo full >&2; exit 1"], stdin=endless(), timeout=30)
    assert (done.code, done.words) == (1, "full\n")


@pytest.mark.parametrize("script", ["sleep 60", "sleep 60 & wait"], ids=["alone", "with a child"])
def test_a_program_that_does_not_read_its_input_is_ended_in_time(script: str) -> None:
    began = time.monotonic()
    with pytest.raises(RuntimeSlow, match="sh -c did not end within 1 s"):
        Subprocesses().run(["sh", "-c", script], stdin=endless(), timeout=1)
    assert time.monotonic() - began < 20


def test_a_program_that_does_not_exist_is_named() -> None:
    with pytest.raises(PreflightFailed, match="no-such-program is not on this machine"):
        Subprocesses().run(["no-such-program"], timeout=1)


def test_the_users_kubeconfig_is_not_passed_on() -> None:
    programs = Subprocesses(environ={"PATH": "/usr/bin:/bin", "KUBECONFIG": "/home/me/.kube/config"})
    assert programs.run(["sh", "-c", "echo ${KUBECONFIG-none}"], timeout=30).output == b"none\n"
