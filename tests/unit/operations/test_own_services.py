"""The project's own services join the stack of their instance, and every command knows them."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from msgspec.structs import replace

from nexusdev.components import own_service_component
from nexusdev.components.contract import Change, Variable
from nexusdev.deploy import preflight
from nexusdev.errors import CrashedDuringStart, ImageUnavailable, InvalidConfig, NotReadyInTime, PortInUse
from nexusdev.events import Planned
from nexusdev.interfaces import Address, Completed, InstanceAccess, View
from nexusdev.operations.dry_run import dry_run
from nexusdev.operations.secrets import rotate
from nexusdev.operations.timings import timings
from nexusdev.operations.up import up
from nexusdev.stack.model import Service
from tests.fakes import FakeComponent, House, shown

WORKER = """\
services:
  worker:
    image: worker:1
    command: [work]
"""
API = """\
services:
  api:
    image: api:1
    environment: {LEVEL: debug}
    depends_on: [redis]
    x-nexusdev: {env: true}
"""


@dataclass(kw_only=True)
class Redis(FakeComponent):
    """A component whose token exists once it is seeded, and that has a login for migrations as well."""

    token: str = ""
    rotations: tuple[str, ...] = ()

    def client_files(self, access: InstanceAccess, view: View, *, application: bool = False) -> dict[str, str]:
        return {"redis.conf": "application" if application else "application and owner"}

    def rotate(self, access: InstanceAccess) -> list[Change]:
        return [Change(what=each) for each in self.rotations]

    def variables(self, access: InstanceAccess, view: View) -> list[Variable]:
        return [
            Variable(name="REDIS_URL", value=f"rediss://{access.address_in(view, 'redis-0', 6379)}", secret=True),
            Variable(name="REDIS_TOKEN", value=self.token, secret=True),
            Variable(name="REDIS_OWNER", value="all", secret=True, application=False),
        ]


@dataclass(kw_only=True)
class Project(House):
    """A project with a file of its own services, whose images are in the engine."""

    redis: Redis = field(default_factory=lambda: Redis(name="redis"))

    def __post_init__(self) -> None:
        super().__post_init__()
        self.redis.on_seed = lambda: setattr(self.redis, "token", self.redis.token or "t0ken")
        for image in ("worker:1", "worker:2", "api:1", "api:2"):
            self.publish(image)
        self.write(WORKER)

    def publish(self, image: str) -> None:
        """Put an image into the registry."""
        self.store.published[image] = f"sha256:{len(self.store.published):064x}"

    def write(self, text: str, name: str = "compose.dev.yaml") -> Path:
        """The file of the own services; the project's configuration names it."""
        (self.project / "nexusdev.toml").write_text(f'[stack]\ninclude = ["{name}"]\n')
        file = self.project / name
        file.write_text(text)
        return file

    def up(self, *names: str, **settings: Any) -> Any:
        """Bring everything, or these, up."""
        return up(self.own_context(**settings), names)

    def own_context(self, **settings: Any) -> Any:
        return self.context(include=(self.project / "compose.dev.yaml",), **settings)

    def created(self, name: str) -> Service:
        """The service as its last container was made."""
        made = [step.service for step in self.engine.done if step.service and step.service.name == name]
        assert made[-1] is not None
        return made[-1]

    def steps(self) -> list[str]:
        """What was planned since this was last asked."""
        found = [str(step) for event in self.heard.of(Planned) for step in event.plan.steps]
        self.heard.events.clear()
        return found

    @property
    def running(self) -> set[str]:
        return {each.service for each in self.engine.containers.values()}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("NEXUSDEV_STATE_DIR", str(tmp_path / "state"))
    return Project(folder=tmp_path)


def test_an_own_service_is_its_own_component(project: Project) -> None:
    done = project.up()
    assert done.ready == ("redis", "gateway", "worker")
    assert project.running == {"redis-0", "redis-1", "gateway-rw", "worker"}
    assert project.created("worker").image == "worker:1"
    assert "worker:1" in project.provider.delivered


def test_other_projects_do_not_have_the_own_service(project: Project) -> None:
    assert "worker" in project.own_context().components
    assert "worker" not in project.context().components


def test_an_own_service_has_its_name_and_a_host_port_of_the_block(project: Project) -> None:
    project.write(WORKER + '    ports: ["8000", "127.0.0.1:9000:9000"]\n')
    project.up()
    context = project.own_context()
    instance = context.instance()
    service = context.stack(instance).services["worker"]
    assert service.address == f"{instance.net}.150"
    addresses = context.runtime(context.stack(instance)).addresses
    assert str(addresses(View.HOST)["worker", 8000]) == f"127.0.0.1:{instance.port(12)}"
    assert str(addresses(View.HOST)["worker", 9000]) == "127.0.0.1:9000"
    assert str(addresses(View.CONTAINER)["worker", 8000]) == "worker:8000"


def test_allocations_are_kept_when_other_services_change(project: Project) -> None:
    def numbers() -> dict[str, tuple[str, int]]:
        context = project.own_context()
        own = context.stack(context.instance()).own
        return {each.name: (each.address.rpartition(".")[2], each.ports[0].host % 100) for each in own}

    service = "  {}:\n    image: worker:1\n    ports: ['80']\n"
    project.write("services:\n" + service.format("b") + service.format("c"))
    project.up()
    assert numbers() == {"b": ("150", 12), "c": ("151", 13)}
    project.write("services:\n" + service.format("a") + service.format("c"))
    project.up()
    assert numbers() == {"a": ("152", 14), "c": ("151", 13)}


def test_an_own_service_gets_the_container_variables_of_its_dependencies(project: Project) -> None:
    project.write(API)
    project.up()
    expected = {
        "REDIS_URL": "rediss://redis-0:6379",
        "REDIS_TOKEN": "t0ken",
        "NEXUSDEV_INSTANCE": "shop",
        "NEXUSDEV_CA_FILE": "/run/nexusdev/ca.crt",
        "SSL_CERT_FILE": "/run/nexusdev/bundle.pem",
        "LEVEL": "debug",
    }
    assert expected.items() <= project.created("api").environment.items()
    assert "REDIS_OWNER" not in project.created("api").environment


def test_an_own_service_has_the_files_of_its_variables(project: Project) -> None:
    project.write(API)
    project.up()
    [folder] = project.created("api").files
    assert folder.target == "/run/nexusdev"
    assert {each.name for each in folder.source.iterdir()} == {
        *("ca.crt", "bundle.pem", "truststore.p12", "java.options", "redis.conf")
    }
    assert (folder.source / "redis.conf").read_text() == "application"


def test_an_own_service_has_no_files_of_other_components(project: Project) -> None:
    project.write(WORKER + "    x-nexusdev: {certificate: true}\n")
    project.up()
    folder = next(each.source for each in project.created("worker").files if each.target == "/run/nexusdev")
    assert not (folder / "redis.conf").exists()


def test_declared_variables_override_passed_ones(project: Project) -> None:
    project.write(API.replace("LEVEL: debug", 'REDIS_TOKEN: "mine"'))
    project.up()
    assert project.created("api").environment["REDIS_TOKEN"] == "mine"


def test_passed_variables_are_in_no_command_line_or_state(project: Project) -> None:
    project.write(API)
    project.up()
    service = project.created("api")
    assert "t0ken" not in str((service.command, service.entrypoint))
    assert b"t0ken" not in (project.own_context().instance().folder / "stack.kept").read_bytes()


def test_a_second_up_takes_no_step_despite_variables_created_by_seeding(project: Project) -> None:
    project.write(API)
    project.up()
    done = len(project.engine.done)
    again = project.up()
    assert (again.changed, again.deployed, len(project.engine.done)) == (False, False, done)


def test_a_new_password_recreates_only_services_that_use_it(project: Project) -> None:
    project.write(API + WORKER.partition("\n")[2])
    project.up()
    project.steps()
    project.redis.token = "another"
    project.up()
    assert {line.split()[1].rstrip(":") for line in project.steps()} == {"api"}
    assert project.created("api").environment["REDIS_TOKEN"] == "another"


def test_own_services_start_when_the_platform_is_ready_and_seeded(project: Project) -> None:
    order: list[str] = []
    project.redis.on_seed = lambda: order.append("seeded")
    project.redis.on_prove = lambda: order.append("proven")
    project.up()
    first = next(number for number, step in enumerate(project.engine.done) if step.resource == "worker")
    assert order == ["seeded", "proven"]
    assert all(step.resource == "worker" for step in project.engine.done[first:])


def test_timings_place_own_services_after_the_platform(project: Project) -> None:
    project.up()
    spans = {span["name"]: span for span in shown(timings(project.context())).data["spans"]}
    assert spans["create worker"]["after"] == ("write",)
    assert spans["start worker"]["after"] == ("create worker", "write")


def test_an_own_service_starts_once_its_dependencies_are_ready(project: Project) -> None:
    text = """\
services:
  first:
    image: worker:1
    depends_on: {second: {condition: service_healthy}}
  second:
    image: worker:1
    x-nexusdev: {ready: {exec: [check]}}
"""
    answers = iter([1, 1, 1])

    def check(_argv: tuple[str, ...], _stdin: bytes | None) -> Completed:
        first = project.engine.named(project.container("first"))
        assert first is None or first.started_at == 0
        return Completed(exit_code=next(answers, 0))

    project.write(text)
    project.engine.scripts["second"] = check
    assert project.up().ready[-2:] == ("first", "second")


def test_only_a_changed_service_is_restarted(project: Project) -> None:
    other = "  other:\n    image: worker:1\n"
    project.write(WORKER + other)
    project.up()
    project.steps()
    project.write(WORKER.replace("worker:1", "worker:2") + other)
    project.up()
    assert project.steps() == [
        "remove worker: its definition, image, configuration or a secret changed",
        "create worker: its definition, image, configuration or a secret changed",
        "start worker: its definition, image, configuration or a secret changed",
    ]


def test_a_new_service_leaves_all_others_alone(project: Project) -> None:
    project.up()
    project.steps()
    project.write(WORKER + "  more:\n    image: worker:1\n    ports: ['1234']\n")
    project.up()
    assert project.steps() == ["create more: it does not exist", "start more: it does not exist"]


@pytest.mark.parametrize("kept", [True, False])
def test_a_service_removed_from_the_file_is_removed_with_a_note(project: Project, kept: bool) -> None:
    project.write(WORKER + "  more:\n    image: worker:1\n")
    project.up()
    project.steps()
    if kept:
        project.write(WORKER)
        project.up()
    else:
        up(project.context())
    gone = ["more"] if kept else ["more", "worker"]
    assert sorted(project.steps()) == [f"remove {name}: it is no longer in the stack" for name in gone]
    assert project.running & {"more", "worker"} == ({"worker"} if kept else set())


def test_up_of_an_own_service_includes_its_dependencies(project: Project) -> None:
    project.write(API + WORKER.partition("\n")[2])
    assert project.up("api").ready == ("redis", "gateway", "api")
    assert "worker" not in project.running


def test_own_services_are_part_of_every_profile(project: Project) -> None:
    stack = project.folder / "compose" / "stack.yaml"
    stack.write_text(stack.read_text() + "x-nexusdev: {profiles: {small: {only: [gateway]}}}\n")
    assert project.up(profile="small").ready == ("gateway", "worker")


def test_a_dry_run_shows_steps_and_missing_image_of_an_own_service(project: Project) -> None:
    project.write(API)
    found = dry_run(project.own_context())
    assert [each.resource for each in found.steps if each.action == "create"][-1] == "api"
    assert found.missing_images == ("api:1",)
    assert not project.engine.containers
    assert not (project.folder / "state" / "instances").exists()


def test_a_crash_of_an_own_service_keeps_the_platform_variables(project: Project) -> None:
    project.engine.crashes["worker"] = 3
    with pytest.raises(CrashedDuringStart, match="worker"):
        project.up()
    assert "REDIS_TOKEN=t0ken" in (project.project / ".env.nexusdev").read_text()


def test_the_deadline_error_names_what_is_missing(project: Project) -> None:
    project.write(WORKER + "    x-nexusdev: {ready: {exec: [check, --all]}}\n")
    project.engine.scripts["worker"] = lambda *_: Completed(exit_code=7, stderr=b"no queue\n")
    with pytest.raises(NotReadyInTime) as raised:
        project.up()
    assert raised.value.why == "worker: check exits with 7 (no queue)"


def test_a_healthcheck_decides_without_another_check(project: Project) -> None:
    project.write(WORKER + "    healthcheck: {test: [CMD-SHELL, 'test -f /ok']}\n")
    project.up()
    assert ("worker", ("/bin/sh", "-c", "test -f /ok"), None) in project.engine.executed


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers 503 until it was asked three times."""

    asked = 0

    def do_GET(self) -> None:
        Handler.asked += 1
        self.send_response(204 if Handler.asked > 3 and self.path == "/health" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """What is asked is not worth a line."""


def served() -> http.server.ThreadingHTTPServer:
    """A server on a port that may be published: one below those of outgoing connections."""
    for port in range(20500, 20999):
        with contextlib.suppress(OSError):
            return http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    raise AssertionError("no free port")


@pytest.fixture
def port() -> Iterator[int]:
    server = served()
    Handler.asked = 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("check", "waits", "url"),
    [
        ("http: {port: 8000, path: /health}", True, "http://127.0.0.1:{}/"),
        ("tcp: {port: 8000}", False, "tcp://127.0.0.1:{}"),
    ],
)
def test_a_service_is_ready_when_its_port_answers(
    project: Project, port: int, check: str, waits: bool, url: str
) -> None:
    project.write(WORKER + f'    ports: ["127.0.0.1:{port}:8000"]\n    x-nexusdev: {{ready: {{{check}}}}}\n')
    assert project.up().ready[-1] == "worker"
    assert (Handler.asked > 3) is waits
    assert project.type("urls", "--json").envelope["data"]["urls"]["worker"] == url.format(port)


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        ("http: {port: 8000}", "worker: no answer to GET / on port 8000 (connection refused)"),
        ("tcp: {port: 8000}", "worker: port 8000 accepts no connections (connection refused)"),
    ],
)
def test_a_silent_port_is_reported(project: Project, check: str, sentence: str) -> None:
    project.write(WORKER + f'    ports: ["8000"]\n    x-nexusdev: {{ready: {{{check}}}}}\n')
    with pytest.raises(NotReadyInTime) as raised:
        project.up()
    assert raised.value.why == sentence


def test_a_proxy_that_drops_connections_is_not_ready(project: Project) -> None:
    def drop() -> None:
        with contextlib.suppress(OSError):  # the test is over
            while True:
                listener.accept()[0].close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=drop, daemon=True).start()
        where = Address(host="127.0.0.1", port=listener.getsockname()[1])
        assert own_service_component.tcp_trouble(where, 8000) == "port 8000 drops connections"


def test_every_command_supports_own_services(project: Project) -> None:
    project.write(WORKER + '    ports: ["8000"]\n    volumes: [jobs:/jobs]\nvolumes: {jobs: }\n')

    def data(*words: str) -> Any:
        ran = project.type("--json", *words)
        assert ran.status == 0, (words, ran.out, ran.err)
        return ran.envelope["data"]

    assert "worker" in data("up")["ready"]
    port = project.own_context().instance().port(12)
    [row] = [each for each in data("status")["nodes"] if each["service"] == "worker"]
    assert (row["component"], row["state"], row["ok"], row["port"]) == ("worker", "running", True, port)
    [published] = [each for each in data("ports")["ports"] if each["service"] == "worker"]
    assert (published["container_port"], published["port"]) == (8000, port)
    assert data("wait", "worker")["condition"] == "ready"
    assert data("urls")["urls"]["worker"] == f"tcp://127.0.0.1:{port}"
    project.engine.say(project.container("worker"), "working")
    assert "working" in project.type("logs", "worker").out
    assert project.type("exec", "-T", "worker", "--", "true").status == 0
    data("restart", "worker")
    data("stop", "worker")
    assert not data("status")["ready"]
    data("start", "worker")
    assert "compose.dev.yaml" in str(data("config", "show")["settings"]["include"]["value"])
    assert data("--yes", "destroy", "worker")
    assert "worker" not in project.running
    data("up")
    data("down")
    assert not project.engine.containers
    data("--yes", "destroy")
    assert not project.engine.volumes


def test_a_broken_file_does_not_block_env_logs_exec_and_down(project: Project) -> None:
    assert project.type("up").status == 0
    project.write("services: [broken\n")
    assert project.type("up").status == 12
    for words in (["env", "--no-proof"], ["logs", "redis"], ["exec", "-T", "redis-0", "--", "true"], ["ls"], ["down"]):
        ran = project.type(*words)
        assert ran.status == 0, (words, ran.err)


def test_a_missing_file_is_reported_with_the_line_that_names_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")  # the name of the folder is not broken
    (project.project / "compose.dev.yaml").unlink()
    ran = project.type("up")
    assert ran.status == 12
    assert f"nexusdev.toml:2: {project.project / 'compose.dev.yaml'} does not exist" in " ".join(ran.err.split())


BUILT = """\
services:
  worker:
    build: {context: ./worker, args: {GREETING: hello}}
"""


@pytest.fixture
def folder(project: Project) -> Path:
    """A build folder."""
    made = project.project / "worker"
    made.mkdir()
    (made / "Dockerfile").write_text("FROM base\n")
    (made / "main.py").write_text("print('one')\n")
    project.write(BUILT)
    return made


def test_a_folder_is_built_once(project: Project, folder: Path) -> None:
    project.up()
    project.up()
    [built] = project.store.built
    assert built.startswith("nexusdev-own/worker:")
    assert project.created("worker").image == built
    assert project.provider.delivered[-1] == built


@pytest.mark.parametrize(
    "change",
    [
        lambda project: (project.project / "worker" / "main.py").write_text("print('two')\n"),
        lambda project: project.write(BUILT.replace("hello", "bye")),
    ],
)
def test_a_changed_build_rebuilds_and_recreates_only_its_service(project: Project, folder: Path, change: Any) -> None:
    project.up()
    project.steps()
    change(project)
    assert dry_run(project.own_context()).missing_images[0].startswith("nexusdev-own/worker:")
    project.up()
    assert len(set(project.store.built)) == 2
    assert {line.split()[1].rstrip(":") for line in project.steps()} == {"worker"}


def test_a_failed_build_is_reported_with_its_last_lines_and_log(project: Project, folder: Path) -> None:
    project.store.unbuildable[folder] = "pip ended with 1"
    with pytest.raises(ImageUnavailable) as raised:
        project.up()
    error = raised.value
    assert (error.message, error.why) == ("the image of worker cannot be built", "pip ended with 1")
    log = project.folder / "state" / "logs" / "images" / "own-worker.log"
    assert error.evidence[-2:] == ("Step 1/1 : FROM base", f"log: {log}")


def test_an_unknown_image_is_reported(project: Project) -> None:
    project.write(WORKER.replace("worker:1", "nobody/has:1"))
    with pytest.raises(ImageUnavailable, match="the image of worker cannot be pulled") as raised:
        project.up()
    assert "while getting the image of the own service worker" in raised.value.__notes__


def test_offline_nothing_is_pulled(project: Project) -> None:
    with pytest.raises(ImageUnavailable, match="the image of worker is not in the image store"):
        project.up(offline=True)
    project.store.pull("worker:1", None, lambda _: None)
    assert project.up(offline=True).ready[-1] == "worker"


def test_an_old_build_is_removed_by_gc(project: Project, folder: Path) -> None:
    project.up()
    labels = project.store.list()[-1].labels
    assert labels["dev.nexus.image"].startswith("worker:")


def test_a_certificate_of_the_instance_is_mounted_with_its_names(project: Project) -> None:
    project.write(WORKER + "    networks: {nexus: {aliases: [jobs]}}\n    x-nexusdev: {certificate: true}\n")
    project.up()
    instance = project.own_context().instance()
    service = project.created("worker")
    targets = {each.target: each.source for each in service.files}
    assert targets == {
        "/run/tls/tls.crt": instance.folder / "tls" / "own-worker.crt",
        "/run/tls/tls.key": instance.folder / "tls" / "own-worker.key",
        "/run/nexusdev": instance.client_folder / "own-worker",
    }
    assert service.user == f"{instance.uid}:{instance.gid}"
    certificate = x509.load_pem_x509_certificate(targets["/run/tls/tls.crt"].read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"worker", "jobs", "localhost"} <= set(names.get_values_for_type(x509.DNSName))


def test_prometheus_scrapes_services_that_request_it(project: Project) -> None:
    def targets() -> Any:
        return json.loads((project.own_context().instance().folder / "own-targets.json").read_bytes())

    project.up()
    assert targets() == []
    project.write(WORKER + "    x-nexusdev: {scrape: {port: 9100, path: /m, tls: true}}\n")
    assert project.up().changed is False
    [group] = targets()
    assert group["targets"] == ["worker:9100"]
    assert group["labels"] == {"component": "worker", "__scheme__": "https", "__metrics_path__": "/m"}
    assert json.loads(project.engine.published["shop", "own-targets.json"]) == [group]


def test_only_scraped_services_are_expected_by_alerts(project: Project) -> None:
    scraped = "  seen:\n    image: worker:1\n    x-nexusdev: {scrape: {port: 80}}\n"
    project.write(WORKER + scraped)
    project.up()
    told = (project.own_context().instance().folder / "metrics.prom").read_text()
    assert 'nexusdev_service_wanted{service="seen",component="seen"} 1.000' in told
    assert 'service="worker"' not in told


def test_rotation_names_services_with_old_passwords(project: Project) -> None:
    project.redis.rotations = ("new password of the application",)
    project.write(API + WORKER.partition("\n")[2])
    project.up()
    assert rotate(project.own_context()).warnings[-1] == (
        "own services with the former passwords until the next nexusdev up: api"
    )


def test_a_taken_fixed_port_is_reported(project: Project) -> None:
    port = 20500
    project.taken_ports.add(port)
    project.write(WORKER + f'    ports: ["127.0.0.1:{port}:8000"]\n')
    with pytest.raises(PortInUse) as raised:
        project.up()
    assert raised.value.message.startswith(f"port {port} of worker is in use by ")
    assert raised.value.hint == 'ports: ["8000"]   let nexusdev choose a port of the instance'
    assert not project.engine.containers


def test_a_fixed_port_leaked_by_a_killed_engine_is_freed_first(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.taken_ports.add(20500)
    monkeypatch.setattr(preflight, "ending_orphans", lambda ports, _containers: f"kill {ports[0]}")
    project.write(WORKER + '    ports: ["127.0.0.1:20500:8000"]\n')
    with pytest.raises(PortInUse) as raised:
        project.up()
    assert raised.value.hint.splitlines()[0] == "kill 20500   end what was left behind"


@pytest.mark.parametrize(
    ("environ", "level"),
    [({}, "debug"), ({"NEXUSDEV_VAR_LEVEL": "info"}, "info"), ({"LEVEL": "info", "NEXUSDEV_LEVEL": "info"}, "debug")],
)
def test_a_file_reads_its_prefixed_environment_variables(project: Project, environ: dict[str, str], level: str) -> None:
    project.write("services: {worker: {image: 'worker:1', environment: {LEVEL: '${NEXUSDEV_VAR_LEVEL:-debug}'}}}")
    context = replace(project.own_context(), environ=environ)
    up(context)
    service = context.stack(context.instance()).services["worker"]
    assert service.environment["LEVEL"] == level


def test_an_unprefixed_environment_variable_is_an_error_with_its_position(project: Project) -> None:
    project.write("services:\n  worker: {image: 'worker:1', hostname: '${HOSTNAME}'}\n")
    with pytest.raises(InvalidConfig, match="HOSTNAME is not set") as caught:
        up(replace(project.own_context(), environ={"HOSTNAME": "here"}))
    assert "compose.dev.yaml:2" in caught.value.message
