"""scripts/engine with fakes on PATH: when it does nothing, what it starts, and what it says where it may not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "engine"
CONFINED = SCRIPT.parent / "runc-confined"
# What the script itself uses; everything else comes from the fakes, or is not there.
TOOLS = (
    "bash",
    "env",
    "sleep",
    "mkdir",
    "rm",
    "tail",
    "ls",
    "cat",
    "grep",
    "awk",
    "setsid",
    "ps",
    "touch",
    "uname",
    "dirname",
    "cmp",
    "chmod",
    "mv",
)

#: docker answers as soon as dockerd has made the file ``up``.
DOCKER = 'test -e "$FAKES/up"'
DOCKERD = 'echo "dockerd $*" >>"$FAKES/calls"; touch "$FAKES/up"; trap \'rm -f "$FAKES/up"; exit 0\' TERM; while :; do sleep 0.1; done'
APT = 'echo "apt-get $*" >>"$FAKES/calls"; test "$1" = update || cp "$FAKES/dockerd.later" "$FAKES/bin/dockerd"'


WHOLE, LACKING = "Name:\tbash\nCapBnd:\t000001ffffffffff\n", "Name:\tbash\nCapBnd:\t000001fffeffffff\n"


class World:
    """A machine in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        (folder / "cgroup").mkdir()
        (folder / "cgroup" / "memory").mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, tool
            (self.bin / tool).symlink_to(found)
        self.program("id", "echo 0")
        (folder / "status").write_text(WHOLE)
        self.program("iptables", "true")
        self.program("docker", DOCKER)

    def program(self, name: str, script: str) -> None:
        file = self.bin / name
        file.unlink(missing_ok=True)
        file.write_text(f"#!/bin/bash\n{script}\n")
        file.chmod(0o755)

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        settings = {
            "PATH": str(self.bin),
            "FAKES": str(self.folder),
            "NEXUSDEV_ENGINE_DIR": str(self.folder / "run"),
            "NEXUSDEV_ENGINE_TIMEOUT": "5",
            "NEXUSDEV_SYSTEMD_DIR": str(self.folder / "systemd"),
            "NEXUSDEV_CGROUP_DIR": str(self.folder / "cgroup"),
            "NEXUSDEV_DPKG_DIR": str(self.folder / "updates"),
            "NEXUSDEV_DOCKER_DIR": str(self.folder / "docker"),
            "NEXUSDEV_PROCESS_STATUS": str(self.folder / "status"),
            **environ,
        }
        return subprocess.run(
            [str(SCRIPT), *arguments], env=settings, capture_output=True, text=True, timeout=30, check=False
        )

    @property
    def calls(self) -> list[str]:
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.run("stop")


def test_a_running_engine_is_left_alone(world: World) -> None:
    (world.folder / "up").touch()
    ran = world.run()
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert not (world.folder / "run").exists()


def test_dockerd_is_started_once_without_systemd(world: World) -> None:
    world.program("apt-get", APT)
    world.program("dockerd", DOCKERD)
    first, second = world.run(), world.run()
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert "· the engine answers" in first.stderr
    assert second.stderr == ""
    assert len(world.calls) == 1


def test_stop_ends_only_what_was_started(world: World) -> None:
    world.program("apt-get", APT)
    world.program("dockerd", DOCKERD)
    assert "no engine that this script started" in world.run("stop").stderr
    world.run()
    ran = world.run("stop")
    assert "· dockerd has ended" in ran.stderr, ran.stderr
    assert not (world.folder / "up").exists()


def machine_without_sys_resource(world: World) -> None:
    (world.folder / "status").write_text(LACKING)
    for tool in ("cp", "jq"):
        (world.bin / tool).symlink_to(str(shutil.which(tool)))
    world.program("apt-get", APT)
    world.program("dockerd", DOCKERD)


def test_an_engine_on_a_machine_without_sys_resource_gets_the_confining_runtime(world: World) -> None:
    machine_without_sys_resource(world)
    ran = world.run()
    assert ran.returncode == 0, ran.stderr
    settings = json.loads((world.folder / "docker/daemon.json").read_text())
    path = settings["runtimes"][settings["default-runtime"]]["path"]
    assert Path(path).read_text() == CONFINED.read_text()
    assert os.access(path, os.X_OK)


def test_an_engine_on_any_other_machine_keeps_its_runtime(world: World) -> None:
    machine_without_sys_resource(world)
    (world.folder / "status").write_text(WHOLE)
    assert world.run().returncode == 0
    assert not (world.folder / "docker").exists()


def test_settings_of_others_stay(world: World) -> None:
    machine_without_sys_resource(world)
    (world.folder / "docker").mkdir()
    (world.folder / "docker/daemon.json").write_text("{}")
    assert world.run().returncode == 0
    assert [file.name for file in (world.folder / "docker").iterdir()] == ["daemon.json"]
    assert (world.folder / "docker/daemon.json").read_text() == "{}"


def test_a_running_engine_of_this_script_reads_its_settings_again_once(world: World) -> None:
    machine_without_sys_resource(world)
    (world.folder / "status").write_text(WHOLE)
    world.program("dockerd", f"trap 'echo reload >>\"$FAKES/calls\"' HUP; {DOCKERD}")
    world.run()
    (world.folder / "status").write_text(LACKING)
    assert "without CAP_SYS_RESOURCE" in world.run().stderr
    wait_for(lambda: "reload" in world.calls)
    assert world.run().stderr == ""
    assert world.calls.count("reload") == 1


def test_an_engine_of_others_is_left_alone_without_sys_resource(world: World) -> None:
    machine_without_sys_resource(world)
    (world.folder / "up").touch()
    assert (world.run().stderr, (world.folder / "docker").exists()) == ("", False)


PRIVILEGED = {
    "process": {
        "args": ["setpriv", "CAP_SYS_RESOURCE"],
        "capabilities": {"bounding": ["CAP_CHOWN", "CAP_SYS_RESOURCE"], "effective": ["CAP_SYS_RESOURCE"]},
        "oomScoreAdj": -500,
    },
    "root": {"path": "rootfs"},
}
GRANTED = {
    "process": {
        "args": ["setpriv", "CAP_SYS_RESOURCE"],
        "capabilities": {"bounding": ["CAP_CHOWN"], "effective": []},
        "oomScoreAdj": 0,
    },
    "root": {"path": "rootfs"},
}
ORDINARY = {"process": {"args": ["true"], "capabilities": {"bounding": ["CAP_CHOWN"]}, "oomScoreAdj": 0}}


@pytest.mark.parametrize(("wanted", "granted"), [(PRIVILEGED, GRANTED), (ORDINARY, ORDINARY)])
@pytest.mark.parametrize("option", ["--bundle", "--process"])
def test_the_confining_runtime_removes_what_cannot_be_granted(
    tmp_path: Path, option: str, wanted: dict[str, object], granted: dict[str, object]
) -> None:
    runc = tmp_path / "runc"
    runc.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 3\n')
    runc.chmod(0o755)
    file = tmp_path / "config.json"
    file.write_text(json.dumps(wanted if option == "--bundle" else wanted["process"]))
    path = tmp_path if option == "--bundle" else file
    ran = subprocess.run(
        [str(CONFINED), "create", option, str(path), "name"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert json.loads(file.read_text()) == (granted if option == "--bundle" else granted["process"])
    assert (ran.returncode, ran.stdout.split()) == (3, ["create", option, str(path), "name"])


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_missing_packages_are_installed_by_apt(world: World) -> None:
    (world.folder / "dockerd.later").write_text(f"#!/bin/bash\n{DOCKERD}\n")
    (world.folder / "dockerd.later").chmod(0o755)
    (world.bin / "cp").symlink_to(str(shutil.which("cp")))
    (world.bin / "iptables").unlink()
    world.program("apt-get", APT)
    ran = world.run()
    assert ran.returncode == 0, ran.stderr
    assert "· installing docker.io iptables by apt" in ran.stderr
    assert (
        world.calls[1] == "apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 docker.io iptables"
    )


DPKG = 'case "$1" in --audit) cat "$FAKES/audit";; *) echo "dpkg $*" >>"$FAKES/calls"; echo said; exit $(<"$FAKES/code");; esac'


@pytest.mark.parametrize("left", ["audit", "updates"])
@pytest.mark.parametrize("code", [0, 1])
def test_an_interrupted_installation_is_finished_or_reported(world: World, left: str, code: int) -> None:
    (world.folder / "dockerd.later").write_text(f"#!/bin/bash\n{DOCKERD}\n")
    (world.folder / "dockerd.later").chmod(0o755)
    (world.bin / "cp").symlink_to(str(shutil.which("cp")))
    world.program("apt-get", APT)
    world.program("dpkg", DPKG)
    (world.folder / "code").write_text(str(code))
    (world.folder / "audit").write_text("docker.io is half-configured" if left == "audit" else "")
    (world.folder / "updates").mkdir()
    if left == "updates":
        (world.folder / "updates" / "0001").touch()
    ran = world.run(NEXUSDEV_DPKG_DIR=str(world.folder / "updates"))
    assert world.calls[0] == "dpkg --configure -a"
    assert ran.returncode == (5 if code else 0), ran.stderr
    assert ("sudo dpkg --configure -a" in ran.stderr) is bool(code)
    assert len(world.calls) == (1 if code else 4)


#: The frontend lock is held until dpkg was called as often as ``locked`` says.
LOCKED_DPKG = """case "$1" in --audit) echo "docker.io is half-installed"; exit;; esac
echo "dpkg $*" >>"$FAKES/calls"
[ "$(grep -c ^dpkg "$FAKES/calls")" -gt "$(<"$FAKES/locked")" ] && exit
echo "dpkg: error: dpkg frontend lock was locked by another process with pid 7" >&2
exit 2"""


@pytest.mark.parametrize("locked", [1, 99])
def test_a_running_apt_is_waited_for(world: World, locked: int) -> None:
    (world.folder / "dockerd.later").write_text(f"#!/bin/bash\n{DOCKERD}\n")
    (world.folder / "dockerd.later").chmod(0o755)
    (world.bin / "cp").symlink_to(str(shutil.which("cp")))
    world.program("apt-get", APT)
    world.program("dpkg", LOCKED_DPKG)
    (world.folder / "locked").write_text(str(locked))
    ran = world.run(NEXUSDEV_APT_TIMEOUT="2")
    assert world.calls[:2] == ["dpkg --configure -a"] * 2
    assert ran.stderr.count("waiting for another apt") == 1
    assert ran.returncode == (0 if locked == 1 else 5), ran.stderr
    assert ("locked by another process with pid 7" in ran.stderr) is (locked == 99)


def test_systemd_starts_it_if_available(world: World) -> None:
    (world.folder / "systemd").mkdir()
    world.program("apt-get", APT)
    world.program("dockerd", DOCKERD)
    world.program("systemctl", 'echo "systemctl $*" >>"$FAKES/calls"; touch "$FAKES/up"')
    assert world.run().returncode == 0
    assert world.calls == ["systemctl start docker"]


def test_another_storage_driver_is_tried_if_the_first_fails(world: World) -> None:
    world.program("apt-get", APT)
    refusing = 'case "$*" in *vfs*) ;; *) echo "error initializing graphdriver: overlay2" ; exit 1 ;; esac'
    world.program("dockerd", f"{refusing}\n{DOCKERD}")
    ran = world.run()
    assert ran.returncode == 0, ran.stderr
    assert "with the storage driver vfs" in ran.stderr


def test_an_exited_dockerd_is_reported_with_its_last_lines(world: World) -> None:
    world.program("apt-get", APT)
    world.program("dockerd", 'echo "failed to create NAT chain"; exit 1')
    ran = world.run()
    assert ran.returncode == 5
    assert "failed to create NAT chain" in ran.stderr
    assert "Error: dockerd does not answer" in ran.stderr


def test_without_root_there_is_a_hint(world: World) -> None:
    world.program("id", "echo 1000")
    world.program("apt-get", APT)
    ran = world.run()
    assert (ran.returncode, world.calls) == (5, [])
    assert "only root may install one" in ran.stderr
    assert "sudo scripts/engine" in ran.stderr


@pytest.mark.parametrize(("system", "words"), [("Darwin", "colima start"), ("Linux", "dnf install moby-engine")])
def test_other_platforms_are_refused(world: World, system: str, words: str) -> None:
    world.program("uname", f"echo {system}")
    ran = world.run()
    assert ran.returncode == 5
    assert words in ran.stderr


def test_an_unknown_argument_is_a_usage_error(world: World) -> None:
    assert world.run("restart").returncode == 2
    assert os.access(SCRIPT, os.X_OK)
