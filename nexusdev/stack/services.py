"""Reads one service of a compose file into the model. ``checks`` compares services with each other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

from msgspec import Struct

from nexusdev.stack import schema, values
from nexusdev.stack.document import MappingNode, Scalar, SourcePosition, Value, config_error
from nexusdev.stack.model import FileMount, Healthcheck, Logging, Port, Service, VolumeMount
from nexusdev.stack.pod_members import read_pod_members

NAME = re.compile(r"[a-z][a-z0-9-]*")
_NONE: tuple[Value, ...] = ()
_NO_TEXTS: tuple[str, ...] = ()
_NO_PAIRS: Mapping[str, str] = {}
_LAST_HOST_PORT, _LAST_PORT = 32767, 65535
_NUMBERED = re.compile(r"(?P<group>.+)-(?P<ordinal>\d+)")
_PORT = re.compile(r"127\.0\.0\.1:(?P<host>\d+):(?P<container>\d+)")
_RESTART = re.compile(r"no|always|unless-stopped|on-failure(:\d+)?")


class Declared(Struct, frozen=True, kw_only=True):
    """The top-level declarations of the files, for references of services."""

    network: str
    volumes: Mapping[str, SourcePosition]
    configs: Mapping[str, Path]
    secrets: Mapping[str, Path]


def read_service(name: str, value: Value, declared: Declared) -> Service:
    """Read one service.

    Args:
        name: Its name.
        value: Its YAML.
        declared: The volumes, secrets and configs that it may refer to.

    Raises:
        InvalidConfig: A member is invalid; the error has file, line and key.
    """
    require_name(name, value)
    members = schema.table(value, "service", required=("image", "x-nexusdev"))
    address, aliases = _network(members, declared, value.position)
    shares = values.optional(members, "network_mode", _shares, "")
    return Service(
        name=name,
        image=values.text(members["image"]),
        **_identity(name, members["x-nexusdev"], sidecar=bool(shares)),  # type: ignore[arg-type]
        **read_pod_members(members["x-nexusdev"]),
        **read_container(members, declared),
        address=address,
        aliases=aliases,
        ports=tuple(read_port(item) for item in values.optional(members, "ports", values.items, _NONE)),
        depends_on=values.optional(members, "depends_on", _dependencies, ()),
        shares=shares,
    )


def require_name(name: str, value: Value) -> None:
    """Raise an error for a name that is not a valid host name."""
    if not NAME.fullmatch(name):
        raise config_error(
            value.position,
            f"invalid service name {name}",
            why="use lower case letters, digits and -, starting with a letter",
        )


def read_container(members: Mapping[str, Value], declared: Declared) -> dict[str, Any]:
    """Return the members of a Service that all kinds of services share."""
    return {
        "entrypoint": values.optional(members, "entrypoint", values.words, None),
        "command": values.optional(members, "command", values.words, None),
        "user": values.optional(members, "user", values.text, ""),
        "hostname": values.optional(members, "hostname", values.text, ""),
        "working_dir": values.optional(members, "working_dir", values.absolute, ""),
        "environment": values.optional(members, "environment", values.pairs, _NO_PAIRS),
        "volumes": tuple(_volume(item, declared) for item in values.optional(members, "volumes", values.items, _NONE)),
        "tmpfs": values.optional(members, "tmpfs", _tmpfs, _NO_PAIRS),
        "files": _files(members, declared),
        "read_only": values.optional(members, "read_only", values.boolean, False),
        "init": values.optional(members, "init", values.boolean, False),
        "cap_drop": values.optional(members, "cap_drop", values.texts, _NO_TEXTS),
        "cap_add": values.optional(members, "cap_add", values.texts, _NO_TEXTS),
        "security_opt": values.optional(members, "security_opt", values.texts, _NO_TEXTS),
        "memory_bytes": values.optional(members, "mem_limit", values.size, 0),
        "pids": values.optional(members, "pids_limit", values.integer, 0),
        "shm_bytes": values.optional(members, "shm_size", values.size, 0),
        "restart": values.optional(members, "restart", _restart, "no"),
        "stop_signal": values.optional(members, "stop_signal", values.text, ""),
        "stop_grace": values.optional(members, "stop_grace_period", values.duration, 10.0),
        "healthcheck": values.optional(members, "healthcheck", _healthcheck, None),
        "logging": values.optional(members, "logging", _logging, None),
    }


def _identity(name: str, value: Value, *, sidecar: bool) -> dict[str, str | int | bool]:
    members = schema.table(value, "x-nexusdev of a service", required=("component",))
    component = values.text(members["component"])
    if not NAME.fullmatch(component):
        raise config_error(
            members["component"].position,
            f"invalid component name {component!r}",
            why="lower case letters, digits and -",
        )
    numbered = _NUMBERED.fullmatch(name)
    role = values.optional(
        members,
        "role",
        lambda word: values.one_of(word, ("server", "sidecar", "store", "observer")),
        "sidecar" if sidecar else "server",
    )
    return {
        "component": component,
        "group": values.optional(members, "group", values.text, numbered["group"] if numbered else name),
        "ordinal": values.optional(members, "ordinal", values.integer, int(numbered["ordinal"]) if numbered else 0),
        "role": cast(Literal["server", "sidecar", "store", "observer"], role),
        "optional": values.optional(members, "optional", values.boolean, False),
    }


def _network(members: Mapping[str, Value], declared: Declared, position: SourcePosition) -> tuple[str, tuple[str, ...]]:
    """Return address and aliases. A service has either its own address on the network, or shares the network of another one."""
    if "network_mode" in members:
        for key in ("networks", "ports", "hostname"):
            if key in members:
                raise config_error(
                    members[key].position,
                    f"{key} cannot be combined with network_mode",
                    why="set them on the service whose network it shares",
                )
        return "", ()
    if "networks" not in members:
        raise config_error(
            position,
            "networks or network_mode is missing",
            why=f"every service has a fixed address on {declared.network}",
        )
    networks = values.entries(members["networks"])
    for key, network in networks.items():
        if key != declared.network:
            raise config_error(network.position, f"unknown network {key}", allowed=(declared.network,), near=key)
    if not networks:
        raise config_error(members["networks"].position, f"must name {declared.network}")
    own = schema.table(networks[declared.network], "network of a service", required=("ipv4_address",))
    return values.text(own["ipv4_address"], "an address"), values.optional(own, "aliases", values.texts, ())


def _shares(value: Value) -> str:
    kind, _, name = values.text(value).partition(":")
    if kind != "service" or not name:
        raise config_error(
            value.position,
            f"{kind!r} is not supported",
            allowed=("service:NAME",),
            why="only the network of another service can be shared",
        )
    return name


def read_port(value: Value, *, hint: str = 'use "127.0.0.1:HOST:CONTAINER"') -> Port:
    """Return a published port. Raises InvalidConfig for one that is not on loopback."""
    matched = _PORT.fullmatch(values.text(value, '"127.0.0.1:HOST:CONTAINER"'))
    if matched is None:
        raise config_error(
            value.position,
            f"{values.text(value)!r} cannot be published",
            why="ports are only published on 127.0.0.1",
            hint=hint,
        )
    host, container = int(matched["host"]), int(matched["container"])
    if not (0 < host <= _LAST_HOST_PORT and 0 < container <= _LAST_PORT):
        raise config_error(
            value.position,
            f"port {host}:{container} is out of range",
            why="host ports must be below 32768: higher ports are used for outgoing connections",
        )
    return Port(host=host, container=container)


def _volume(value: Value, declared: Declared) -> VolumeMount:
    if isinstance(value, MappingNode):
        members = schema.table(value, "volume of a service", required=("type", "source", "target"))
        values.one_of(members["type"], ("volume",))
        volume, target = values.text(members["source"]), values.absolute(members["target"])
        read_only = values.optional(members, "read_only", values.boolean, False)
    else:
        volume, _, rest = values.text(value, "NAME:/target").partition(":")
        target, _, mode = rest.partition(":")
        read_only = mode == "ro"
        if not target.startswith("/") or mode not in ("", "ro", "rw"):
            raise config_error(value.position, f"{values.text(value)!r} is not NAME:/target or NAME:/target:ro")
    if volume.startswith((".", "/", "~")):
        raise config_error(
            value.position,
            "host folders cannot be mounted",
            why="declare files under configs: or secrets:, data under volumes:",
        )
    if volume not in declared.volumes:
        raise config_error(
            value.position,
            f"unknown volume {volume}",
            allowed=tuple(declared.volumes),
            near=volume,
            why=_none(declared.volumes),
        )
    return VolumeMount(volume=volume, target=target, read_only=read_only)


def _tmpfs(value: Value) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for item in (value,) if isinstance(value, Scalar) else values.items(value):
        target, _, options = values.text(item).partition(":")
        if not target.startswith("/"):
            raise config_error(item.position, f"{target!r} is not an absolute path")
        found[target] = options
    return found


def _files(members: Mapping[str, Value], declared: Declared) -> tuple[FileMount, ...]:
    configs = (
        _file("config", item, declared.configs) for item in values.optional(members, "configs", values.items, _NONE)
    )
    secrets = (
        _file("secret", item, declared.secrets) for item in values.optional(members, "secrets", values.items, _NONE)
    )
    return (*configs, *secrets)


def _file(kind: Literal["config", "secret"], value: Value, known: Mapping[str, Path]) -> FileMount:
    if isinstance(value, MappingNode):
        members = schema.table(value, "config or secret of a service", required=("source",))
        name = values.text(members["source"])
        target = values.optional(members, "target", values.text, "")
    else:
        name, target = values.text(value), ""
    if name not in known:
        raise config_error(value.position, f"unknown {kind} {name}", allowed=tuple(known), near=name, why=_none(known))
    folder = "/run/secrets/" if kind == "secret" else "/"
    target = target or name
    return FileMount(
        kind=kind, name=name, source=known[name], target=target if target.startswith("/") else folder + target
    )


def _none(known: Mapping[str, object]) -> str:
    """Return why no value is allowed, if there is none."""
    return "" if known else "these files declare none"


def _dependencies(value: Value) -> tuple[str, ...]:
    if not isinstance(value, MappingNode):
        return values.texts(value)
    for dependency in value.items.values():
        members = schema.table(dependency, "dependency of a service", required=("condition",))
        values.one_of(members["condition"], ("service_started",))
    return tuple(value.items)


def _restart(value: Value) -> str:
    word = value.text if isinstance(value, Scalar) else values.text(value)
    if not _RESTART.fullmatch(word):
        values.one_of(value, ("no", "always", "on-failure", "unless-stopped"))
    return word


def _healthcheck(value: Value) -> Healthcheck:
    members = schema.table(value, "healthcheck of a service", required=("test",))
    test = members["test"]
    words = ("CMD-SHELL", values.text(test)) if isinstance(test, Scalar) else values.texts(test)
    if not words or words[0] not in ("CMD", "CMD-SHELL"):
        raise config_error(test.position, "must start with CMD or CMD-SHELL")
    return Healthcheck(
        test=words,
        interval=values.optional(members, "interval", values.duration, 30.0),
        timeout=values.optional(members, "timeout", values.duration, 5.0),
        retries=values.optional(members, "retries", lambda number: values.integer(number, least=1), 3),
        start_period=values.optional(members, "start_period", values.duration, 0.0),
    )


def _logging(value: Value) -> Logging:
    members = schema.table(value, "logging of a service", required=("driver",))
    return Logging(
        driver=values.one_of(members["driver"], ("json-file", "local")),
        options=values.optional(members, "options", values.pairs, {}),
    )
