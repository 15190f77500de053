"""The fakes that stand beside the protocols: a clock that need not wait, a listener that remembers, components that do as they are told."""

from __future__ import annotations

import io
import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nexusdev.api import StackHandle
from nexusdev.components.contract import (
    Change,
    Client,
    Component,
    Condition,
    Consumer,
    Credentials,
    Link,
    Proof,
    Readiness,
    SeedFile,
    ServiceStatus,
    Variable,
)
from nexusdev.components.defaults import ComponentDefaults
from nexusdev.context import Context, open_context
from nexusdev.events import Event
from nexusdev.images.images import Images
from nexusdev.images.lockfile import FILE, load
from nexusdev.images.tags import tags
from nexusdev.instance.identity import Identity
from nexusdev.instance.state import Record, read_record
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.plan import Observation
from nexusdev.results import Result
from nexusdev.runtimes.image_store import StoredImage
from nexusdev.runtimes.memory.engine import FakeEngine
from nexusdev.runtimes.memory.images import MemoryImages
from nexusdev.runtimes.memory.provider import MemoryProvider
from nexusdev.runtimes.provider import RuntimeProvider
from nexusdev.settings import Settings
from nexusdev.util.clock import Clock

if TYPE_CHECKING:
    from nexusdev.cli.output import Rendered


@dataclass(kw_only=True)
class FakeClock:
    """Time passes when somebody sleeps."""

    at: float = 100.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.at += seconds
        time.sleep(0.0005)  # let the other threads work


class Ahead(datetime):
    """A clock that is three years ahead."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Ahead:
        return cls.fromtimestamp(time.time() + 3 * 365 * 86400, tz)


@dataclass(kw_only=True)
class Heard:
    """A listener that remembers."""

    events: list[Event] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@dataclass(kw_only=True)
class FakeComponent(ComponentDefaults):
    """Ready once its containers run and ``sentences`` are used up; one look takes one of them.

    Attributes:
        seedable: Whether it may be seeded before it is ready.
        reading: Arguments with which its client reads its standard input; without any it always does.
        on_seed: Called by ``seed``.
        on_prove: Called by ``prove``.
        write_tests: For each probe, whether it should test writes.
    """

    name: str
    title: str = "A product"
    sentences: list[str] = field(default_factory=list)
    seedable: bool = False
    changes: tuple[str, ...] = ("created something",)
    calls: list[str] = field(default_factory=list)
    write_tests: list[bool] = field(default_factory=list)
    reading: tuple[str, ...] = ()
    on_look: Callable[[InstanceAccess], None] = lambda _: None
    on_seed: Callable[[], None] = lambda: None
    on_prove: Callable[[], None] = lambda: None
    requires: tuple[str, ...] = ("gateway",)
    links: Sequence[Link] = ()
    conditions: Mapping[str, Condition] = field(default_factory=dict)

    def probe(self, access: InstanceAccess, *, test_writes: bool = False) -> Any:
        self.write_tests.append(test_writes)
        self.on_look(access)
        observation = access.runtime.observe()
        down = [each.service for each in observation.services.values() if each.component == self.name and not each.runs]
        missing = f"{down[0]} does not answer" if down else (self.sentences.pop(0) if self.sentences else "")
        return missing, observation

    def assess(self, facts: Any) -> Readiness:
        return Readiness(missing=facts[0], seedable=self.seedable)

    def statuses(self, facts: Any) -> Sequence[ServiceStatus]:
        observation: Observation = facts[1]
        return [
            ServiceStatus(service=each.service, role="server", state="running", ok=True)
            for each in observation.services.values()
            if each.component == self.name and each.runs
        ]

    def prepare(self, access: InstanceAccess, facts: Any) -> None:
        self.calls.append("prepare")

    def credentials(self, access: InstanceAccess) -> Credentials:
        return {Consumer.APPLICATION: {"user": f"{self.name}-user"}}

    def seed(self, access: InstanceAccess, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        self.calls.append("seed")
        self.on_seed()
        return [Change(what=each) for each in self.changes]

    def apply(self, access: InstanceAccess, files: Sequence[SeedFile]) -> Sequence[Change]:
        self.calls.append("apply")
        return [Change(what=f"applied {each.path}") for each in files]

    def variables(self, access: InstanceAccess, view: View) -> Sequence[Variable]:
        return [Variable(name=f"{self.name.upper()}_PLACE", value="127.0.0.1")]

    def prove(self, access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
        self.calls.append("prove")
        self.on_prove()
        return [Proof(path=f"{self.name} path", seconds=0.01)]

    def rotate(self, access: InstanceAccess) -> Sequence[Change]:
        return []

    def client(self, arguments: Sequence[str]) -> Client | None:
        reads = not self.reading or bool({*arguments} & {*self.reading})
        return Client(group=self.name, argv=("client", *arguments), reads_stdin=reads)


def image_lock(*names: str, kind: str = "registry") -> str:
    """The text of a lock of images that a registry has, or with ``kind`` build, that can be built here."""
    source = {
        "registry": "{{registry: docker.io/library/{0}:1, digest: null, why: a test}}",
        "build": "{{debootstrap: {0}}}",
    }
    rows = (f'  {name}: {{version: "1", sources: [{source[kind].format(name)}]}}' for name in names)
    return "\n".join(("schema: 1", "images:", *rows, ""))


#: What the machine of a House trusts.
PUBLIC_AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBQDCB56ADAgECAgEBMAoGCCqGSM49BAMCMB0xGzAZBgNVBAMMEmEgcHVibGlj
IGF1dGhvcml0eTAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowHTEb
MBkGA1UEAwwSYSBwdWJsaWMgYXV0aG9yaXR5MFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEm/gRaF58bSDB1v97Kt5wvJNR3vGUj5i/E6KfWTCrzT22Hbd2+B9H4Ym2
GNbvRvGoM+598ngjSWaOcq/m6eWWr6MWMBQwEgYDVR0TAQH/BAgwBgEB/wIBADAK
BggqhkjOPQQDAgNIADBFAiARL511eTfEDFoy6IA2KGeZyiDsTlgB/OoTHAH7ZuHH
ZgIhALb1GA6RZtGscSFZMrh5VZ+DIsKAPMsGi3oC3pSF2VPS
-----END CERTIFICATE-----
"""

COMPOSE = """
name: ${NEXUS_PROJECT}
networks:
  nexus: {ipam: {config: [{subnet: "${NEXUS_NET:-10.213.0}.0/24"}]}}
volumes: {redis-0: {}, redis-1: {}}
services:
  redis-0: &redis
    image: ${NEXUS_IMAGE_REDIS}
    x-nexusdev: {component: redis, group: redis, ordinal: 0}
    entrypoint: [serve]
    volumes: ["redis-0:/data"]
    networks: {nexus: {ipv4_address: "${NEXUS_NET:-10.213.0}.40"}}
    ports: ["127.0.0.1:${NEXUS_PORTS}70:6379"]
    restart: unless-stopped
  redis-1:
    image: ${NEXUS_IMAGE_REDIS}
    x-nexusdev: {component: redis, group: redis, ordinal: 1}
    entrypoint: [serve]
    volumes: ["redis-1:/data"]
    networks: {nexus: {ipv4_address: "${NEXUS_NET:-10.213.0}.41"}}
    ports: ["127.0.0.1:${NEXUS_PORTS}71:6379"]
    restart: unless-stopped
  gateway-rw:
    image: ${NEXUS_IMAGE_HAPROXY}
    x-nexusdev: {component: gateway, group: gateway, ordinal: 0}
    entrypoint: [serve]
    networks: {nexus: {ipv4_address: "${NEXUS_NET:-10.213.0}.10"}}
    ports: ["127.0.0.1:${NEXUS_PORTS}79:6379"]
    restart: unless-stopped
secrets:
  redis-app:
    file: ${NEXUS_STATE}/secrets/redis-app
    x-nexusdev: {password: 32}
""".replace("&redis\n", "\n")


@dataclass(kw_only=True)
class House:
    """A project, a state folder and a runtime: everything that one command needs and the next one finds again.

    Attributes:
        images: The images of the lock; see ``lock``.
        store: The image store of the provider.
        opened: Images of another lock and store, instead of these.
        taken_ports: Ports of the machine on which other programs listen.
    """

    folder: Path
    name: str = "shop"
    provider: MemoryProvider = field(default_factory=MemoryProvider)
    heard: Heard = field(default_factory=Heard)
    clock: Clock = field(default_factory=FakeClock)
    redis: FakeComponent = field(default_factory=lambda: FakeComponent(name="redis"))
    gateway: FakeComponent = field(default_factory=lambda: FakeComponent(name="gateway"))
    more: tuple[FakeComponent, ...] = ()
    images: tuple[str, ...] = ("redis", "haproxy")
    store: MemoryImages = field(default_factory=MemoryImages)
    opened: Images | None = None
    taken_ports: set[int] = field(default_factory=set)
    claimed_blocks: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        for each in ("project", "state", "compose"):
            (self.folder / each).mkdir(exist_ok=True)
        (self.folder / "compose" / "stack.yaml").write_text(COMPOSE)
        authorities = self.folder / "machine" / "etc" / "ssl" / "certs" / "ca-certificates.crt"
        authorities.parent.mkdir(parents=True, exist_ok=True)
        authorities.write_text(PUBLIC_AUTHORITY)
        self.lock(*self.images)

    @property
    def record(self) -> Record:
        """The record of the instance in the state folder."""
        found = read_record(self.folder / "state" / "instances" / self.name)
        assert found is not None
        return found

    def lock(self, *names: str, kind: str = "registry") -> None:
        """The stack has these images. All of them are in the store, and those of kind registry in a registry too."""
        for name in names if kind == "build" else ():
            (self.folder / "compose" / name).mkdir(exist_ok=True)
            (self.folder / "compose" / name / "make").touch()
        self._lock.write_text(image_lock(*names, kind=kind))
        for name in names:
            self.store.published[f"docker.io/library/{name}:1"] = "sha256:" + "a" * 64
            found = StoredImage(id=f"sha256:{name}", tags=(self.reference(name),), user="10001:10001")
            self.store.images[found.id] = found

    @property
    def _lock(self) -> Path:
        return self.folder / "compose" / FILE

    def reference(self, image: str) -> str:
        """The tag of an image of the lock."""
        return tags(load(self._lock))[image]

    def lose_image(self, image: str) -> None:
        """It is not in the store, where it has to arrive first."""
        self.store.untag(self.reference(image))

    def unpublish(self, image: str) -> None:
        """No registry has it."""
        self.store.published.pop(f"docker.io/library/{image}:1")

    def _open_images(self, provider: RuntimeProvider, root: Path, kinds: tuple[str, ...], _cache: Path) -> Images:
        return self.opened or Images(lock=load(self._lock), connect=provider.image_store, root=root, kinds=kinds)

    @property
    def engine(self) -> FakeEngine:
        return self.provider.engine

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def container(self, service: str) -> str:
        """The name of a service's container."""
        return f"nexusdev-{self.name}-{service}-1"

    @property
    def components(self) -> Mapping[str, Component]:
        """Every component of the small stack."""
        return {each.name: each for each in (self.gateway, self.redis, *self.more)}

    @property
    def doubles(self) -> dict[str, Any]:
        """What stands in the place of the world."""
        self.provider.store = self.store  # also of a provider that a test has put here
        return {
            "given_provider": self.provider,
            "port_taken": self.taken_ports.__contains__,
            "claim_block": self.claim_block,
            "open_images": self._open_images,
            "clock": self.clock,
            "components": self.components,
            "compose": self.folder / "compose" / "stack.yaml",
            "environ": {"PATH": os.environ["PATH"], "CI": "true"},
            "host_root": self.folder / "machine",
        }

    def claim_block(self, slot: int) -> io.BytesIO | None:
        """A claim that can be closed; None for a block of ``claimed_blocks``, which another user has chosen at the same time."""
        return None if slot in self.claimed_blocks else io.BytesIO()

    def context(self, **settings: Any) -> Context:
        """A fresh context, as each run of the command line has one."""
        chosen = {
            "env_file": self.project / ".env.nexusdev",
            "seed": self.project / "seed",
            "timeout": 20.0,
            **settings,
        }
        return Context(
            identity=Identity(name=self.name, project=self.project, explicit=True),
            settings=Settings(**chosen),
            root=self.folder / "state",
            listener=self.heard,
            **self.doubles,
        )

    def open(self, project: str | Path | None = None, **settings: Any) -> StackHandle:
        """What ``nexusdev.open`` returns, in this world."""
        flags = {"instance": self.name, "timeout": 20.0, **settings}
        context = open_context(Path(project or self.project), flags=flags, listener=self.heard, **self.doubles)
        return StackHandle(context)

    def type(self, *words: str) -> Typed:
        """Type a command line in the project's folder; what a person would read, and the exit status."""
        # not at the top: what a program without the command line imports is tested with these doubles, too
        from nexusdev.__main__ import ended
        from nexusdev.cli.console import Console
        from nexusdev.cli.global_options import move_global_options_first, wants_json
        from nexusdev.cli.session import Session

        out, err = io.StringIO(), io.StringIO()
        argv = ["-i", self.name, "-C", str(self.project), *words]
        hoisted = move_global_options_first(argv)
        console = Console(out=out, err=err, as_json=wants_json(hoisted), color=False)
        status = ended(Session(console=console, doubles=self.doubles), argv)
        return Typed(status=status, out=out.getvalue(), err=err.getvalue())


def shown(result: Result) -> Rendered:
    """A result as the command line shows it."""
    from nexusdev.cli.rendering import rendered

    return rendered(result)


@dataclass(frozen=True, kw_only=True)
class Typed:
    """A command line that ended."""

    status: int
    out: str
    err: str

    @property
    def envelope(self) -> Any:
        return json.loads(self.out)
