"""What doctor says about kind on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.errors import PreflightFailed
from nexusdev.runtimes.kind.checks import machine_checks, program_checks, require_docker_command
from nexusdev.runtimes.kind.versions import ProgramVersion


def limits(folder: Path, watches: int, instances: int) -> Path:
    (folder / "max_user_watches").write_text(f"{watches}\n")
    (folder / "max_user_instances").write_text(f"{instances}\n")
    return folder


def test_a_machine_without_the_docker_command_fails() -> None:
    checks = {each.name: each for each in program_checks(lambda _: None)}
    assert checks["docker command"].verdict == "failed"
    assert checks["kubectl"].evidence == "not on the PATH; it is taken out of an image"
    with pytest.raises(PreflightFailed) as caught:
        require_docker_command(lambda _: None)
    assert caught.value.code == "PROGRAM_MISSING"


def test_programs_are_named_with_their_paths() -> None:
    found = [(each.verdict, each.evidence) for each in program_checks(lambda name: f"/usr/bin/{name}")]
    assert found == [("ok", "/usr/bin/docker"), ("ok", "/usr/bin/kind"), ("ok", "/usr/bin/kubectl")]
    require_docker_command(lambda name: f"/usr/bin/{name}")


@pytest.mark.parametrize(
    ("cgroup", "minor", "verdict"), [("1", 34, "ok"), ("1", 35, "failed"), ("2", 35, "ok"), ("", 34, "ok")]
)
def test_control_groups_must_fit_kubernetes(tmp_path: Path, cgroup: str, minor: int, verdict: str) -> None:
    found = next(machine_checks(cgroup, inotify=tmp_path, kubernetes=ProgramVersion(1, minor)))
    assert found.verdict == verdict


def test_low_limits_of_inotify_are_a_warning_with_what_to_type(tmp_path: Path) -> None:
    _, found = machine_checks("2", inotify=limits(tmp_path, 8192, 128))
    assert (found.verdict, found.evidence) == (
        "warning",
        "max_user_watches is 8192, max_user_instances is 128: pods may fail with 'too many open files'",
    )
    assert found.fix == "sudo sysctl fs.inotify.max_user_watches=65536 fs.inotify.max_user_instances=256"
    _, found = machine_checks("2", inotify=limits(tmp_path, 65536, 256))
    assert found.verdict == "ok"
