"""Applications in containers on the instance's network: by README's line for docker, and by ``nexusdev run --in``."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.integration import engine, in_container
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration

README = Path(__file__).parents[2] / "README.md"
CLIENT = Path(in_container.__file__)
PACKAGES = Path(sysconfig.get_path("purelib"))
ANYBODY = "12345:12345"
SEEN = {
    "uid": 12345,
    "primary": {"user": "nexus_app", "replica": False, "tls": True},
    "replica": {"user": "nexus_app", "replica": True, "tls": True},
    "pool": {"user": "nexus_app", "replica": False, "tls": True},
    "owner": {"user": "nexus_owner", "replica": False, "tls": True},
    "redis": "master",
    "sentinel": "master",
    "vault": "nexus_app",
    "prometheus": 200,
}


@pytest.fixture(scope="module")
def image(project: Project) -> str:
    """An image with Python and libpq; the project is up."""
    assert project
    return engine.image("postgres")


def readme_line() -> str:
    """The line that a user copies."""
    [line] = re.findall(r"^docker run .*--view container.*$", README.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert line.endswith(" IMAGE COMMAND")
    return str(line)


def opened(link: str, ca: str) -> str:
    """What a browser on the host gets."""
    context = ssl.create_default_context(cafile=ca)
    with urllib.request.urlopen(link, context=context, timeout=10) as answer:
        return str(answer.read().decode())


def assert_whole(seen: dict[str, Any], variables: Mapping[str, str]) -> None:
    minio = seen.pop("minio")
    assert seen == SEEN
    assert minio["read"] == "from a container"
    assert opened(minio["link"], variables["NEXUSDEV_CA_FILE"]) == "from a container"


def one_offs(project: Project) -> list[str]:
    label = [f"dev.nexus.instance={engine.instance_of(project)}", "dev.nexus.role=one-off"]
    return [each.name for each in engine.client().containers.list(all=True, filters={"label": label})]


@pytest.mark.skipif(shutil.which("docker") is None, reason="there is no docker command")
def test_every_client_works_in_a_container_started_as_in_the_readme(
    project: Project, variables: Mapping[str, str], image: str
) -> None:
    more = f"-u {ANYBODY} -e PYTHONPATH=/site -v {PACKAGES}:/site:ro -v {CLIENT}:/client.py:ro {image}"
    line = readme_line().replace("IMAGE COMMAND", f"{more} python3 /client.py")
    words = shlex.join([sys.executable, "-m", "nexusdev"])
    script = f'nexusdev() {{ {words} "$@"; }}\nset -a; . ./.env.nexusdev; set +a\n{line}'
    ran = subprocess.run(
        ["bash", "-c", script],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert_whole(json.loads(ran.stdout), variables)


def test_every_client_works_with_run_in(project: Project, variables: Mapping[str, str], image: str) -> None:
    (project.folder / "app.py").write_text(CLIENT.read_text(encoding="utf-8"), encoding="utf-8")
    project.folder.chmod(0o755)
    mounts = ["-v", f"{PACKAGES}:/site:ro", "-v", ".:/app"]
    command = ["env", "PYTHONPATH=/site", "python3", "app.py"]
    ran = project.run("run", "--in", image, "-u", ANYBODY, *mounts, "-w", "/app", "--", *command)
    assert ran.code == 0, ran.err
    assert_whole(json.loads(ran.out), variables)
    assert one_offs(project) == []


def test_streams_and_the_exit_code_pass_through(project: Project, image: str) -> None:
    ran = project.run("run", "--in", image, "--", "sh", "-c", "cat; echo oops >&2; exit 7", stdin=b"through\n")
    assert (ran.code, ran.out, ran.err) == (7, "through\n", "oops\n")
    assert one_offs(project) == []


def test_json_has_the_output_of_the_command(project: Project, image: str) -> None:
    ran = project.run("--json", "run", "--in", image, "--", "sh", "-c", "echo hello; exit 3")
    assert (ran.code, ran.data["exit_code"], ran.data["stdout"]) == (3, 3, "hello\n")


@pytest.fixture
def sleeper(project: Project, image: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command that says when it is there, and then waits."""
    process = start(project, image, "echo ready; exec sleep 300")
    yield process
    process.kill()
    process.wait()
    for name in one_offs(project):
        engine.client().containers.get(name).remove(force=True)


def start(project: Project, image: str, script: str) -> subprocess.Popen[bytes]:
    process = project.start("run", "--in", image, "--", "sh", "-c", script)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_command_and_removes_its_container(
    project: Project, sleeper: subprocess.Popen[bytes], number: signal.Signals, code: int
) -> None:
    sleeper.send_signal(number)
    assert sleeper.wait(timeout=30) == code
    assert one_offs(project) == []


def test_a_command_may_handle_signals(project: Project, image: str) -> None:
    process = start(project, image, "trap 'exit 9' TERM; echo ready; sleep 300 & wait")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 9
    assert one_offs(project) == []


def test_the_third_signal_kills_a_command_that_ignores_signals(project: Project, image: str) -> None:
    process = start(project, image, "trap '' TERM; echo ready; sleep 300")
    for _ in range(3):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
    assert process.wait(timeout=30) == 137
    assert one_offs(project) == []


def test_gc_finds_the_container_of_a_killed_run(project: Project, sleeper: subprocess.Popen[bytes]) -> None:
    [name] = one_offs(project)
    assert leftovers(project) == []
    sleeper.kill()
    sleeper.wait()
    assert [each["name"] for each in leftovers(project)] == [name]
    planned = project.run("up", "--dry-run", "--json")
    assert planned.data["steps"] == []


def leftovers(project: Project) -> Sequence[Mapping[str, str]]:
    found = project.run("gc", "--dry-run", "--json").data["leftovers"]
    return [each for each in found if each["kind"] == "container"]
