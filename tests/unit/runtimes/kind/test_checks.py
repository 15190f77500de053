"""What doctor says about kind on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.errors import PreflightFailed
from nexusdev.runtimes.kind.checks import engine_checks, machine_checks, program_checks, require_docker_command
from nexusdev.runtimes.kind.versions import ProgramVersion


def limits(folder: Path, watches: int, instances: int) -> Path:
    (folder / "max_user_watches").write_text(f"{watches}\n")
    (folder / "max_user_instances").write_text(f"{instances}\n")
    return folder


def test_a_machine_without_the_docker_command_fails() -> None:
    checks = {each.name: each for each in program_checks(lambda _: None, lambda *_: None)}
    assert checks["docker command"].verdict == "failed"
    assert checks["kubectl"].evidence == "not on the PATH; it is taken out of an image"
    with pytest.raises(PreflightFailed) as caught:
        require_docker_command(lambda _: None)
    assert caught.value.code == "PROGRAM_MISSING"


def test_programs_are_named_with_their_paths_and_versions() -> None:
    versions = {"kind": ProgramVersion(0, 30), "kubectl": ProgramVersion(1, 35, 1)}
    found = program_checks(lambda name: f"/usr/bin/{name}", lambda name, _: versions[name])
    assert [(each.verdict, each.evidence) for each in found] == [
        ("ok", "/usr/bin/docker"),
        ("ok", "/usr/bin/kind, v0.30.0"),
        ("ok", "/usr/bin/kubectl, v1.35.1"),
    ]
    require_docker_command(lambda name: f"/usr/bin/{name}")


def test_programs_that_are_too_old_are_named_with_the_reason() -> None:
    versions = {"kind": ProgramVersion(0, 20), "kubectl": ProgramVersion(1, 32)}
    _, kind, kubectl = program_checks(lambda name: f"/usr/bin/{name}", lambda name, _: versions[name])
    assert kind.evidence == (
        "/usr/bin/kind is not used: it is v0.20.0, and at least v0.24 is needed; one is taken out of an image"
    )
    assert "/usr/bin/kubectl is not used: it is v1.32.0, which Kubernetes 1.34 does not support" in kubectl.evidence


@pytest.mark.parametrize(("api", "verdict"), [("1.40", "failed"), ("1.41", "ok"), ("1.9", "failed"), ("2.0", "ok")])
def test_the_engine_must_not_be_too_old(api: str, verdict: str) -> None:
    found = next(engine_checks(api, lambda: ""))
    assert (found.name, found.verdict) == ("engine for kind", verdict)


@pytest.mark.parametrize(
    ("refusal", "verdict", "evidence"),
    [
        ("", "ok", "they run"),
        (None, "ok", "not tried: there is no image yet"),
        ("unable to apply caps: operation not permitted", "failed", "unable to apply caps: operation not permitted"),
    ],
)
def test_an_engine_that_refuses_privileged_containers_is_told(refusal: str | None, verdict: str, evidence: str) -> None:
    _, found = engine_checks("1.47", lambda: refusal)
    assert (found.verdict, found.evidence) == (verdict, evidence)


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
