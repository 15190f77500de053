"""Four Vault servers in memory with the secrets of an instance: everything outside nexusdev, and a cut after any event of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from nexusdev.components.contract import Change, Consumer, Credentials
from nexusdev.components.https_connection import Response
from nexusdev.components.vault import names
from nexusdev.components.vault.client import Query
from nexusdev.components.vault.component import Vault
from nexusdev.interfaces import Completed, Runtime
from tests.access import instance_access
from tests.addresses import SeenFromContainers
from tests.topology import topology
from tests.unit.components.vault.core import Core, fresh

CREDENTIALS: Mapping[str, Credentials] = {
    "postgres": {
        Consumer.APPLICATION: {"user": "nexus_app", "password": "p1"},
        Consumer.MIGRATIONS: {"user": "nexus_owner", "password": "o1"},
    },
    "gateway": {},
}

NODES = topology().members("vault", "vault")
UNSEALER = topology().members("vault", "vault-unseal")[0]


class Cut(BaseException):
    """``kill -9`` of nexusdev: the event happened, nobody heard of it."""


class Secrets:
    """The secret store. Making an instance makes the passwords; runtime secrets are empty."""

    def __init__(self, world: World) -> None:
        self._world = world
        made = (
            "seal-token",
            *(f"{who}-{kind}-id" for who in ("app", "migrations", "operator") for kind in ("role", "secret")),
        )
        self.values = {f"vault-{name}": fresh(name) for name in made}

    def read(self, name: str) -> str:
        return self.values.get(name, "")

    def write(self, name: str, value: str) -> None:
        self.values[name] = value
        self._world.event(f"write {name}")


@dataclass
class World(SeenFromContainers):
    """The servers' volumes, what is running, and what happened.

    Attributes:
        down: Servers that do not answer.
        plugin_hash: The hash of the database plugin in the image; '' if the image has none.
        cut_after: Number of the event after which nexusdev is killed; 0 for never.
    """

    unseal: Core | None = None
    unseal_open: bool = False
    cluster: Core | None = None
    joined: set[str] = field(default_factory=set)
    started: set[str] = field(default_factory=set)
    sealed_by: str = ""
    down: set[str] = field(default_factory=set)
    plugin_hash: str = "5ca1ab1e"
    cut_after: int = 0
    events: list[str] = field(default_factory=list)
    births: int = 0

    def __post_init__(self) -> None:
        self.secrets = Secrets(self)
        self.vault = Vault(connect=lambda _access: self)
        self.access = instance_access(
            Path(),
            nonce="n0nce",
            secrets=self.secrets,
            runtime=cast(Runtime, self),
        )

    def event(self, what: str) -> None:
        self.events.append(what)
        if len(self.events) == self.cut_after:
            raise Cut(what)

    # --- the servers ---------------------------------------------------------------------------------------------

    def send(self, query: Query) -> Response:
        """The transport. A request that reads cuts nothing worth cutting, so only the others are events."""
        status, document = self.answer(query)
        if query.method != "GET":
            self.event(f"{query.method} {query.path} at {query.server}")
        text = document if isinstance(document, str) else json.dumps(document)
        return Response(status=status, body=b"" if document is None else text.encode())

    def answer(self, query: Query) -> tuple[int, Any]:
        server = query.server
        if server == names.ROLE:
            server = self.active
        if not server or server in self.down or not self.runs(server):
            raise ConnectionRefusedError(f"{query.server} is not there")
        core, opened = self.held_by(server)
        if query.path == "sys/health":
            return self.health(server, core, opened)
        if query.path == "sys/init":
            return self.init(server, core)
        if query.path == "sys/metrics?format=prometheus":
            known = core is not None and query.token in core.tokens
            return (200, "vault_autopilot_failure_tolerance 1") if known else (403, {"errors": ["permission denied"]})
        if query.path == "sys/unseal":
            self.unseal_open = core is not None and (query.body or {})["key"] == core.key
            return (200, {}) if self.unseal_open else (400, {"errors": ["invalid key"]})
        if core is None or not opened:
            return 503, {"errors": ["Vault is sealed"]}
        return core.reply(query.method, query.path, query.body or {}, query.token)

    def held_by(self, server: str) -> tuple[Core | None, bool]:
        if server == UNSEALER:
            return self.unseal, self.unseal_open
        if self.cluster is not None:
            self.joined.add(server)
        return self.cluster, self.cluster is not None

    def runs(self, server: str) -> bool:
        """A node starts when its seal works, and goes on without it."""
        if server in NODES and self.seal_works():
            self.started.add(server)
        return server == UNSEALER or server in self.started

    def seal_works(self) -> bool:
        """Whether serve.sh would start a node: the fourth encrypts for its token."""
        token, unseal = self.secrets.read(names.SEAL_TOKEN), self.unseal
        key = unseal.transit.get(names.SEAL_KEY) if unseal and self.unseal_open else None
        right = key is not None and (self.cluster is None or key == self.sealed_by)
        return bool(right and unseal and unseal.allows(token, "transit/encrypt/x"))

    @property
    def active(self) -> str:
        running = [name for name in NODES if name not in self.down and self.runs(name)]
        return running[0] if self.cluster and running else ""

    def health(self, server: str, core: Core | None, opened: bool) -> tuple[int, Any]:
        if core is None:
            return 501, {"initialized": False, "sealed": True}
        if not opened:
            return 503, {"initialized": True, "sealed": True}
        standby = server in NODES and server != self.active
        return (429 if standby else 200), {"initialized": True, "sealed": False}

    def init(self, server: str, core: Core | None) -> tuple[int, Any]:
        if core is not None:
            return 400, {"errors": ["Vault is already initialized"]}
        born = Core()
        if server == UNSEALER:
            self.unseal, self.unseal_open = born, False
            return 200, {"keys_base64": [born.key], "root_token": born.root}
        assert self.unseal is not None
        self.cluster, self.sealed_by = born, self.unseal.transit[names.SEAL_KEY]
        self.births += 1
        return 200, {"recovery_keys_base64": [born.key], "root_token": born.root}

    # --- what happens to them ------------------------------------------------------------------------------------

    def execute(self, service: str, argv: Sequence[str], **_: object) -> Completed:
        """The runtime: the hash of a plugin, or serve.sh is told to begin anew."""
        if argv[0] == "sha256sum":
            return (
                Completed(exit_code=0, stdout=f"{self.plugin_hash}  {argv[1]}\n".encode())
                if self.plugin_hash
                else Completed(exit_code=1)
            )
        assert "/data/reset" in argv[-1]
        self.lose_volume(service)
        self.event(f"reset {service}")
        return Completed(exit_code=0)

    def lose_volume(self, service: str) -> None:
        if service == UNSEALER:
            self.unseal, self.unseal_open = None, False
            return
        self.joined.discard(service)
        self.started.discard(service)
        if not self.joined:
            self.cluster = None

    def restart_all(self) -> None:
        """The engine was restarted; the fourth node's entrypoint opens it with its key share."""
        key = self.secrets.read(names.UNSEAL_KEY)
        self.unseal_open = self.unseal is not None and key == self.unseal.key
        self.started.clear()

    # --- nexusdev ------------------------------------------------------------------------------------------------

    def up(self) -> list[Change]:
        """Look, judge, seed once it can be, prepare, until ready. As the engine does."""
        changes: list[Change] | None = None
        for _ in range(20):
            facts = self.vault.probe(self.access)
            readiness = self.vault.assess(facts)
            if changes is None and (readiness.ready or readiness.seedable):
                changes = list(self.vault.seed(self.access, CREDENTIALS))
            if changes is not None and readiness.ready:
                return changes
            self.vault.prepare(self.access, facts)
        raise AssertionError(f"never ready: {readiness.missing}; last events {self.events[-5:]}")

    def killed_up(self) -> bool:
        """``up`` that may be killed; whether it was."""
        try:
            self.up()
        except Cut:
            return True
        return False

    @property
    def pending(self) -> list[str]:
        return self.secrets.read(names.PENDING).split()

    def roots(self) -> list[str]:
        return [token for core in (self.unseal, self.cluster) if core for token in core.roots]

    def app_policies(self) -> list[str]:
        assert self.cluster is not None
        token = self.cluster.tokens.get(self.secrets.read(names.APP_TOKEN), {})
        return list(token.get("policies", []))
