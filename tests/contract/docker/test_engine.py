"""What only a real engine can show: files, volumes, names and limits inside of containers, streams, and Compose's view of it."""

from __future__ import annotations

import io
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.errors import InvalidState, NotReadyInTime, PortInUse
from nexusdev.interfaces import BindMount, OneOff, Runtime
from nexusdev.runtimes.docker.connection import engine
from nexusdev.runtimes.docker.plan.snapshot import Snapshot
from nexusdev.runtimes.docker.plan.teardown import plan_down
from nexusdev.stack.model import FileMount
from tests.contract.bench import closing
from tests.contract.docker.bench import DockerBench, docker_bench

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def shared() -> Iterator[DockerBench]:
    """One running stack that the tests of this module only look at."""
    made = docker_bench()
    with closing(made):
        made.up()
        yield made


@pytest.fixture
def own() -> Iterator[DockerBench]:
    """A stack of a test's own."""
    made = docker_bench()
    with closing(made):
        yield made


@pytest.fixture
def runtime(shared: DockerBench) -> Runtime:
    return shared.runtime()


def shell(runtime: Runtime, service: str, script: str) -> str:
    done = runtime.execute(service, ["sh", "-c", script])
    assert done.exit_code == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def test_any_uid_can_write_to_a_new_volume_at_a_path_missing_from_the_image(runtime: Runtime) -> None:
    assert (
        shell(runtime, "store-0", "id -u; stat -c %a /nexus-data; mkdir -m 700 /nexus-data/deep && echo made")
        == "12345\n1777\nmade"
    )


def test_every_name_and_alias_is_in_the_hosts_file_of_every_container(runtime: Runtime, shared: DockerBench) -> None:
    hosts = shell(runtime, "relay-0", "cat /etc/hosts")
    for name, address in shared.stack.hosts().items():
        assert f"{address}\t{name}" in hosts


def test_a_sidecar_has_the_addresses_of_its_owner(runtime: Runtime) -> None:
    assert shell(runtime, "relay-0", "cat /proc/net/fib_trie") == shell(runtime, "store-0", "cat /proc/net/fib_trie")


def test_the_root_file_system_is_read_only_and_tmpfs_is_not(runtime: Runtime) -> None:
    assert (
        shell(runtime, "store-0", "touch /x 2>/dev/null || echo refused; touch /tmp/x && echo written")
        == "refused\nwritten"
    )


def test_containers_have_the_declared_limits_and_privileges(shared: DockerBench) -> None:
    error = engine().api.inspect_container(shared.container("store-0"))
    host = error["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["PidsLimit"]) == (64 * 1024**2, 64 * 1024**2, 50)
    assert (host["CapDrop"], host["SecurityOpt"], host["Init"]) == (["ALL"], ["no-new-privileges:true"], True)
    assert (error["Config"]["StopSignal"], error["Config"]["StopTimeout"]) == ("SIGTERM", 2)
    assert [binding["HostIp"] for binding in host["PortBindings"]["8080/tcp"]] == ["127.0.0.1"]


def test_compose_sees_a_normal_project(shared: DockerBench) -> None:
    error = engine().api.inspect_container(shared.container("store-0"))["Config"]["Labels"]
    assert error["com.docker.compose.project"] == shared.project
    assert error["com.docker.compose.service"] == "store-0"
    assert error["com.docker.compose.container-number"] == "1"
    assert error["com.docker.compose.oneoff"] == "False"
    assert error["com.docker.compose.config-hash"] == error["dev.nexus.fingerprint"]
    assert engine().api.inspect_network(f"{shared.project}_nexus")["Labels"]["com.docker.compose.network"] == "nexus"
    assert engine().api.inspect_volume(f"{shared.project}_store-0")["Labels"]["com.docker.compose.volume"] == "store-0"


def test_exec_passes_stdin_stdout_stderr_and_exit_code(runtime: Runtime) -> None:
    many = b"x" * 300_000
    done = runtime.execute(
        "store-1", ["sh", "-c", "cat; echo $COLOUR >&2; exit 3"], stdin=many, environment={"COLOUR": "blue"}
    )
    assert (done.exit_code, done.stdout == many, done.stderr) == (3, True, b"blue\n")


def test_twenty_short_commands_lose_no_output(runtime: Runtime) -> None:
    assert {runtime.execute("store-1", ["echo", "hello"]).stdout for _ in range(20)} == {b"hello\n"}


def test_a_hanging_command_times_out(runtime: Runtime) -> None:
    began = time.monotonic()
    with pytest.raises(NotReadyInTime, match="timed out after"):
        runtime.execute("store-1", ["sleep", "5"], timeout=0.3)
    assert time.monotonic() - began < 3


def test_attached_streams_are_passed_through(runtime: Runtime) -> None:
    out, err = io.BytesIO(), io.BytesIO()
    code = runtime.attach(
        "store-1", ["sh", "-c", "cat; echo no >&2; exit 4"], stdin=io.BytesIO(b"in"), stdout=out, stderr=err, tty=False
    )
    assert (code, out.getvalue(), err.getvalue()) == (4, b"in", b"no\n")


def test_a_closed_reader_is_not_reported_as_a_lost_engine(runtime: Runtime) -> None:
    class Closed(io.BytesIO):
        def write(self, _: object) -> int:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        runtime.attach("store-1", ["echo", "x"], stdin=None, stdout=Closed(), stderr=io.BytesIO(), tty=False)


def test_an_attached_terminal_is_a_terminal(runtime: Runtime) -> None:
    out = io.BytesIO()
    code = runtime.attach(
        "store-1", ["sh", "-c", "test -t 1 && stty size; exit 5"], stdin=None, stdout=out, stderr=io.BytesIO(), tty=True
    )
    assert code == 5
    assert out.getvalue().strip()


def test_a_one_off_has_the_requested_terminal_mounts_user_and_folder(shared: DockerBench, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("from the host")
    tmp_path.chmod(0o755)
    wanted = OneOff(
        name=f"{shared.project}-run-tty",
        image=shared.image,
        argv=("sh", "-c", "test -t 1 && id -u && pwd && cat note && ! touch new 2>/dev/null"),
        mounts=(BindMount(source=tmp_path, target="/app", read_only=True),),
        working_dir="/app",
        user="12345",
    )
    out = io.BytesIO()
    code = shared.runtime().run_one_off(wanted, stdin=io.BytesIO(), stdout=out, stderr=io.BytesIO(), tty=True)
    assert (code, out.getvalue().split()) == (0, [b"12345", b"/app", b"from", b"the", b"host"])


def test_a_one_off_reaches_the_services_by_their_names(shared: DockerBench) -> None:
    wanted = OneOff(name=f"{shared.project}-run-names", image=shared.image, argv=("getent", "hosts", "store-primary"))
    out = io.BytesIO()
    assert shared.runtime().run_one_off(wanted, stdin=None, stdout=out, stderr=io.BytesIO(), tty=False) == 0
    assert out.getvalue().split()[0].decode() == shared.stack.services["store-0"].address


def test_logs_are_merged_by_time_and_can_be_limited(runtime: Runtime) -> None:
    lines = list(runtime.logs([]))
    assert [line.text for line in lines] == ["ready"] * 3
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert list(runtime.logs(["store-1"], tail=0)) == []
    assert list(runtime.logs([], since=time.time() + 3600)) == []


def test_followed_logs_have_each_line_once_and_continue_after_a_restart(own: DockerBench) -> None:
    own.up()
    runtime = own.runtime()
    heard: list[str] = []
    enough = threading.Event()

    def listen() -> None:
        for line in runtime.logs(["store-1"], follow=True):
            heard.append(line.text)
            if len(heard) == 3:
                enough.set()

    threading.Thread(target=listen, daemon=True).start()
    runtime.execute("store-1", ["sh", "-c", "echo now > /proc/1/fd/1"])
    own.hand("restart", own.container("store-1"))
    assert enough.wait(15), heard
    assert heard == ["ready", "now", "ready"]


def test_a_port_held_by_a_process_names_the_process(own: DockerBench) -> None:
    port = own.stack.services["store-0"].ports[0].host
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen()
        with pytest.raises(PortInUse, match=str(port)) as refused:
            own.up()
    assert f"(pid {os.getpid()})" in refused.value.why
    assert sys.executable in refused.value.why
    assert {str(c.state) for c in own.up().containers.values()} == {"running"}


def test_a_removed_config_file_is_reported(own: DockerBench, tmp_path: Path) -> None:
    gone = tmp_path / "secret"
    mount = FileMount(kind="secret", name="secret", source=gone, target="/run/secrets/secret")
    store = replace(own.stack.services["store-1"], files=(mount,))
    stack = replace(own.stack, services={"store-1": store})
    with pytest.raises(InvalidState, match=str(gone)):
        own.up(stack)
    gone.write_text("word")
    own.up(stack)
    assert shell(own.runtime(), "store-1", "cat /run/secrets/secret") == "word"


def test_a_kill_between_container_creation_and_volume_setup_is_repaired(own: DockerBench) -> None:
    own.up()
    own.hand("rename", own.container("store-0"), f"{own.container('store-0')}-new")
    assert {str(c.state) for c in own.up().containers.values()} == {"running"}
    assert own.snapshot().orphans == ()


def test_the_volume_helper_container_is_removed(own: DockerBench) -> None:
    own.up()
    assert len(engine().api.containers(all=True, filters={"label": f"com.docker.compose.project={own.project}"})) == 3
    own.walk(plan_down(own.snapshot(), volumes=True))
    assert own.snapshot() == Snapshot()


def test_a_volume_created_by_compose_is_removed_with_the_instance(own: DockerBench) -> None:
    """``docker compose up`` makes the volumes of all services, also of those that it does not start, with its own labels alone."""
    name = f"{own.project}_extra"
    engine().api.create_volume(
        name, labels={"com.docker.compose.project": own.project, "com.docker.compose.volume": "extra"}
    )
    assert own.snapshot().volumes["extra"].full_name == name
    own.down()
    assert own.snapshot() == Snapshot()
    assert name not in {each["Name"] for each in engine().api.volumes()["Volumes"] or ()}
