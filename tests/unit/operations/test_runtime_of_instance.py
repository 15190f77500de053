"""An instance stays on the runtime that it was made on."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from nexusdev.errors import IdentityMismatch
from nexusdev.instance.state import write_record
from nexusdev.operations.destroy import destroy
from nexusdev.operations.lifecycle import stop
from nexusdev.operations.status import status
from nexusdev.operations.up import up
from tests.fakes import House


@pytest.fixture
def running(house: House) -> House:
    """Everything is up."""
    up(house.context())
    return house


@pytest.fixture
def elsewhere(running: House) -> House:
    """Its record says that it runs on another runtime than the one that the settings name."""
    folder = running.folder / "state" / "instances" / running.name
    write_record(folder, replace(running.record, runtime="kubernetes"))
    return running


def test_the_record_names_the_runtime_of_the_settings(house: House) -> None:
    up(house.context(runtime="memory"))
    assert house.record.runtime == "memory"


def test_an_older_record_belongs_to_docker(running: House) -> None:
    file = running.folder / "state" / "instances" / running.name / "instance.json"
    file.write_text("".join(line for line in file.read_text().splitlines(keepends=True) if '"runtime"' not in line))
    assert running.record.runtime == "docker"


@pytest.mark.parametrize("command", [up, status, stop, destroy])
def test_another_runtime_is_refused_with_both_solutions(elsewhere: House, command: object) -> None:
    assert callable(command)
    with pytest.raises(IdentityMismatch) as raised:
        command(elsewhere.context(origins={"runtime": "nexusdev.toml:3"}))
    error = raised.value
    assert error.message == "instance shop runs on kubernetes, not on docker"
    assert "docker comes from nexusdev.toml:3" in error.why
    assert error.hint.splitlines() == [
        "nexusdev --runtime kubernetes -i shop up   work on it where it is",
        "nexusdev --runtime docker -i shop-2 up   start another instance on docker",
    ]
    assert error.code == "RUNTIME_MISMATCH"
    assert elsewhere.record.runtime == "kubernetes"


def test_a_refused_up_changes_nothing(elsewhere: House) -> None:
    done = len(elsewhere.engine.done)
    with pytest.raises(IdentityMismatch, match="runs on kubernetes"):
        up(elsewhere.context())
    assert len(elsewhere.engine.done) == done


def test_the_option_works_before_and_after_the_command(house: House) -> None:
    for words in (("--runtime", "dokcer", "status"), ("status", "--runtime=dokcer")):
        typed = house.type("--json", *words)
        assert typed.status == 12
        error = typed.envelope["error"]
        assert error["message"] == "--runtime: runtime must be docker, kind or kubernetes"
        assert error["why"] == "it is 'dokcer'; did you mean docker?"


def test_env_refuses_an_unknown_runtime_too(house: House) -> None:
    assert house.type("env", "--runtime", "podman").status == 12
