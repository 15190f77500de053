"""Reads the project's own services: the same subset of Compose as the platform's files, with defaults that a project need not write.

An own service needs no component, address or host port of its own choice. It is its own component, with the name of the service: so
``up``, ``wait``, ``status`` and ``destroy`` accept its name as Compose does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from nexusdev.stack import schema, values
from nexusdev.stack.document import MappingNode, Scalar, Value, config_error
from nexusdev.stack.health import http_members, port_number, read_check
from nexusdev.stack.model import (
    BUILT,
    Allocations,
    FileMount,
    Healthcheck,
    Network,
    OwnService,
    Port,
    ReadyCheck,
    Scrape,
    Secret,
    SecretRecipe,
    Service,
    ServiceBuild,
)
from nexusdev.stack.services import Declared, read_container, read_port, require_name

# The engine assigns addresses from 192 on to containers without a fixed address.
_FIRST_ADDRESS, _ADDRESSES = 150, range(42)
# Those of the instance's 100 host ports that no service of the platform uses or is likely to use.
_PORTS = (*range(12, 30), *range(10))
_CONTAINER_PORT = re.compile(r"\d+")
_CERTIFICATE, _KEY = "/run/tls/tls.crt", "/run/tls/tls.key"
_CONDITIONS = ("service_healthy", "service_started")
_HINT = 'use "CONTAINER", and nexusdev chooses the host port, or "127.0.0.1:HOST:CONTAINER"'
_NONE: tuple[Value, ...] = ()


class Platform(Struct, frozen=True, kw_only=True):
    """The platform that own services are added to: its services, its network, and the values of the instance."""

    services: Mapping[str, Service]
    network: Network
    environment: Mapping[str, str]

    @property
    def components(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.component for each in self.services.values()))

    @property
    def names(self) -> frozenset[str]:
        """All names in use."""
        aliases = (alias for each in self.services.values() for alias in each.aliases)
        return frozenset((*self.services, *self.components, *aliases))


class Allocator(Struct, kw_only=True):
    """Allocates numbers to own services. Numbers in ``before`` are kept and not given to new services."""

    before: Allocations
    addresses: dict[str, int] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def address(self, name: str, value: Value) -> int:
        return self._number(name, self.addresses, self.before.addresses, _ADDRESSES, value)

    def port(self, name: str, value: Value) -> int:
        return self._number(name, self.ports, self.before.ports, _PORTS, value)

    def _number(
        self, name: str, given: dict[str, int], before: Mapping[str, int], allowed: Sequence[int], value: Value
    ) -> int:
        if name not in given:
            free = (each for each in allowed if each not in before.values() and each not in given.values())
            number = before[name] if name in before else next(free, None)
            if number is None:
                raise config_error(value.position, f"too many: {len(allowed)} can be chosen, and all are taken")
            given[name] = number
        return given[name]

    @property
    def result(self) -> Allocations:
        return Allocations(addresses=dict(self.addresses), ports=dict(self.ports))


class OwnFiles(Struct, frozen=True, kw_only=True):
    """The content of the project's files: the services, and the secrets that they need besides the declared ones."""

    services: Mapping[str, Service]
    secrets: Mapping[str, Secret]
    allocations: Allocations


def read_own_services(
    written: Mapping[str, Value], declared: Declared, platform: Platform, before: Allocations
) -> OwnFiles:
    """Read the services that the project's files declare.

    Args:
        written: Service → its YAML.
        declared: The top-level declarations of the project's files and the platform's.
        platform: The platform that they are added to.
        before: The numbers that were allocated before.

    Raises:
        InvalidConfig: With file, line, key and what is allowed.
    """
    allocator = Allocator(before=before)
    reader = _Reader(platform=platform, declared=declared, allocator=allocator, names=tuple(written))
    services = {name: reader.service(name, value) for name, value in written.items()}
    return OwnFiles(services=services, secrets=reader.secrets, allocations=allocator.result)


class _Reader(Struct, kw_only=True):
    """Reads one service after the other. ``secrets``: the certificates that they need."""

    platform: Platform
    declared: Declared
    allocator: Allocator
    names: tuple[str, ...]
    secrets: dict[str, Secret] = field(default_factory=dict)

    def service(self, name: str, value: Value) -> Service:
        self._require_free(name, value)
        members = schema.table(value, "own service")
        settings = _settings(members)
        certificate = values.optional(settings, "certificate", values.boolean, False)
        container = read_container(members, self.declared)
        if certificate:
            container["files"] += self._certificate(name)
            container["user"] = container["user"] or self._user
        ports = tuple(self._port(name, item) for item in values.optional(members, "ports", values.items, _NONE))
        needs, after = self._dependencies(name, members)
        build = values.optional(members, "build", _build, None)
        _require_one_image(members, value)
        return Service(
            **container,
            name=name,
            image=values.optional(members, "image", _reference, f"{BUILT}/{name}"),
            component=name,
            group=name,
            address=self._address(name, value),
            aliases=self._aliases(members),
            ports=ports,
            depends_on=after,
            own=OwnService(
                ready=_ready(settings, ports, container["healthcheck"]),
                needs=needs,
                after=after,
                env=_env(settings, needs),
                trust=certificate or values.optional(settings, "env", values.boolean, False),
                scrape=values.optional(settings, "scrape", _scrape, None),
                build=build,
            ),
        )

    def _require_free(self, name: str, value: Value) -> None:
        require_name(name, value)
        if name in self.platform.names:
            raise config_error(
                value.position, f"{name} is a name of the platform", why="choose another name for your service"
            )

    @property
    def _user(self) -> str:
        """Return the user that can read the key of a certificate."""
        environment = self.platform.environment
        return f"{environment.get('NEXUS_UID', '0')}:{environment.get('NEXUS_GID', '0')}"

    def _certificate(self, name: str) -> tuple[FileMount, ...]:
        """Return the certificate of a service and its key, as files. The name of its group differs from all groups of the platform."""
        folder = Path(self.platform.environment.get("NEXUS_STATE", "")) / "tls"
        found = []
        for suffix, target in (("crt", _CERTIFICATE), ("key", _KEY)):
            secret = f"own-{name}-{suffix}"
            file = folder / f"own-{name}.{suffix}"
            recipe = SecretRecipe(certificate=f"own-{name}")
            self.secrets[secret] = Secret(name=secret, file=file, recipe=recipe)
            found.append(FileMount(kind="secret", name=secret, source=file, target=target))
        return tuple(found)

    def _address(self, name: str, value: Value) -> str:
        return self.platform.network.address(_FIRST_ADDRESS + self.allocator.address(name, value))

    def _port(self, name: str, value: Value) -> Port:
        written = value.text if isinstance(value, Scalar) and value.kind == "int" else values.text(value)
        if not _CONTAINER_PORT.fullmatch(written):
            return read_port(value, hint=_HINT)
        prefix = self.platform.environment.get("NEXUS_PORTS", "210")
        host = int(f"{prefix}{self.allocator.port(f'{name}:{written}', value):02}")
        return Port(host=host, container=port_number(value))

    def _aliases(self, members: Mapping[str, Value]) -> tuple[str, ...]:
        if "networks" not in members:
            return ()
        networks, known = members["networks"], self.platform.network.name
        if not isinstance(networks, MappingNode):
            for item in values.items(networks):
                values.one_of(item, (known,))
            return ()
        for key, network in networks.items.items():
            if key != known:
                raise config_error(network.position, f"unknown network {key}", allowed=(known,), near=key)
        own = schema.table(networks.items[known], "network of an own service") if known in networks.items else {}
        return values.optional(own, "aliases", values.texts, ())

    def _dependencies(self, name: str, members: Mapping[str, Value]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the components of the platform, and the own services, that it waits for."""
        if "depends_on" not in members:
            return (), ()
        needs, after = [], []
        for other, position in _depended(members["depends_on"]):
            if other in self.platform.components:
                needs.append(other)
            elif other in self.names and other != name:
                after.append(other)
            else:
                raise self._no_dependency(other, position)
        return tuple(needs), tuple(after)

    def _no_dependency(self, other: str, value: Value) -> Exception:
        service = self.platform.services.get(other)
        if service is not None:
            return config_error(
                value.position,
                f"{other} is a service of the component {service.component}",
                hint=f"write {service.component}: it is ready when all of its services are",
            )
        allowed = (*self.platform.components, *self.names)
        return config_error(value.position, f"unknown service or component {other}", allowed=allowed, near=other)


def _settings(members: Mapping[str, Value]) -> Mapping[str, Value]:
    return schema.table(members["x-nexusdev"], "x-nexusdev of an own service") if "x-nexusdev" in members else {}


def _reference(value: Value) -> str:
    """Return the image reference with its tag, as engines store it."""
    text = values.text(value)
    return text if ":" in text.rpartition("/")[2] or "@" in text else f"{text}:latest"


def _require_one_image(members: Mapping[str, Value], value: Value) -> None:
    if "image" in members and "build" in members:
        raise config_error(
            members["build"].position, "image and build cannot be combined", why="the tag of a built image is computed"
        )
    if "image" not in members and "build" not in members:
        raise config_error(value.position, "image or build is missing", why="one of them says what to run")


def _depended(value: Value) -> Sequence[tuple[str, Value]]:
    """Return each name with its position. Compose's conditions are accepted; nexusdev always waits for readiness."""
    if not isinstance(value, MappingNode):
        return [(values.text(item), item) for item in values.items(value)]
    for dependency in value.items.values():
        members = schema.table(dependency, "dependency of an own service", required=("condition",))
        values.one_of(members["condition"], _CONDITIONS)
    return list(value.items.items())


def _env(settings: Mapping[str, Value], needs: Collection[str]) -> bool:
    asked = values.optional(settings, "env", values.boolean, False)
    if asked and not needs:
        raise config_error(
            settings["env"].position,
            "no component to take variables from",
            why="a service gets the variables of the components that it depends on, and no others",
            hint="depends_on: [postgres]",
        )
    return asked


def _build(value: Value) -> ServiceBuild:
    """Read a folder, or a mapping. The folder and its Dockerfile must exist."""
    members: Mapping[str, Value] = (
        {"context": value} if isinstance(value, Scalar) else schema.table(value, "build", required=("context",))
    )
    folder = (value.position.file.parent / values.text(members["context"], "a folder")).resolve()
    if not folder.is_dir():
        raise config_error(members["context"].position, f"{folder} does not exist or is not a folder")
    dockerfile = values.optional(members, "dockerfile", values.text, "Dockerfile")
    if not (folder / dockerfile).is_file():
        place = members.get("dockerfile", members["context"]).position
        raise config_error(place, f"{folder / dockerfile} does not exist or is not a file")
    return ServiceBuild(
        folder=folder,
        dockerfile=dockerfile,
        target=values.optional(members, "target", values.text, ""),
        args=values.optional(members, "args", values.pairs, {}),
    )


def _ready(settings: Mapping[str, Value], ports: Collection[Port], healthcheck: Healthcheck | None) -> ReadyCheck:
    if "ready" not in settings:
        return ReadyCheck() if healthcheck is None else ReadyCheck(kind="exec", argv=_argv(healthcheck))
    check = read_check(settings["ready"])
    if check.port and check.port not in [each.container for each in ports]:
        raise config_error(
            _port_value(settings["ready"]).position,
            f"port {check.port} is not published",
            why="readiness is checked from the host",
            hint=f'ports: ["{check.port}"]',
        )
    return check


def _port_value(ready: Value) -> Value:
    """Return the YAML of the port of a valid check."""
    [check] = values.entries(ready).values()
    return values.entries(check)["port"]


def _scrape(value: Value) -> Scrape:
    members = schema.table(value, "scrape", required=("port",))
    return Scrape(port=port_number(members["port"]), **http_members(members, default="/metrics"))


def _argv(check: Healthcheck) -> tuple[str, ...]:
    """Return the command of a healthcheck, as it is run in the container."""
    return ("/bin/sh", "-c", check.test[1]) if check.test[0] == "CMD-SHELL" else check.test[1:]
