"""The accepted subset of Compose as tables of keys, and the readers of single values.

``docs/compose-subset.md`` documents the same tables; a test keeps the two equal.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from nexusdev.errors import InvalidConfig
from nexusdev.stack.document import MappingNode, Scalar, SequenceNode, Value, config_error
from nexusdev.util import durations

T = TypeVar("T")

_CONTAINER: Mapping[str, str] = {
    "entrypoint": "list, or a string that is split at whitespace",
    "command": "list, or a string that is split at whitespace",
    "user": "uid, or uid:gid",
    "hostname": "the container's hostname",
    "working_dir": "absolute path",
    "environment": "mapping or list of NAME=value; never a secret",
    "volumes": "list of NAME:/target or NAME:/target:ro, or of mappings",
    "tmpfs": "list of /target or /target:options",
    "configs": "list of names or of mappings",
    "secrets": "list of names or of mappings",
    "read_only": "true or false: make the root file system read-only",
    "init": "true or false: run an init process that reaps children",
    "cap_drop": "list of capabilities",
    "cap_add": "list of capabilities",
    "security_opt": "list of options",
    "mem_limit": "size; no extra swap",
    "pids_limit": "number",
    "shm_size": "size of /dev/shm",
    "restart": "no, always, on-failure, on-failure:N, unless-stopped",
    "stop_signal": "signal by name",
    "stop_grace_period": "duration",
    "healthcheck": "mapping; only for display in the engine's tools: nexusdev checks every 5 minutes, Compose as the file says",
    "logging": "mapping: the engine's log driver and its options; default: that of the engine",
}

PLACES: Mapping[str, Mapping[str, str]] = {
    "top level": {
        "name": "the project name; only in the top-level file",
        "include": "paths of other files, relative to this one",
        "services": "mapping of services",
        "networks": "the network; only in the top-level file",
        "volumes": "mapping of named volumes, each empty",
        "secrets": "mapping of secret files",
        "configs": "mapping of config files",
        "x-nexusdev": "nexusdev's settings for the whole stack; only in the top-level file",
    },
    "x-nexusdev of the stack": {
        "profiles": "mapping: name → profile; full, with every component, always exists",
    },
    "profile": {
        "only": "list of the components that it starts; default: all",
        "without": "list of components that it excludes",
    },
    "service": {
        "image": "image reference",
        **_CONTAINER,
        "networks": "mapping: network → address and aliases",
        "network_mode": "service:NAME, to share the network of that service",
        "ports": 'list of "127.0.0.1:HOST:CONTAINER"',
        "depends_on": "list of services, or mapping to conditions",
        "x-nexusdev": "nexusdev's settings for the service",
    },
    "network of a service": {
        "ipv4_address": "the service's fixed address",
        "aliases": "list of additional names",
    },
    "volume of a service": {
        "type": "volume",
        "source": "name of the volume",
        "target": "absolute path",
        "read_only": "true or false",
    },
    "config or secret of a service": {
        "source": "its name",
        "target": "path in the container; a secret's relative target is below /run/secrets",
    },
    "dependency of a service": {
        "condition": "service_started: readiness is decided by nexusdev, not by healthchecks",
    },
    "healthcheck of a service": {
        "test": "list that starts with CMD or CMD-SHELL, or a string for the shell",
        "interval": "duration",
        "timeout": "duration",
        "retries": "number",
        "start_period": "duration",
    },
    "logging of a service": {
        "driver": "json-file or local: drivers whose logs can be read",
        "options": "mapping of the driver's options, such as max-size and max-file",
    },
    "x-nexusdev of a service": {
        "component": "the component that it belongs to",
        "group": "group of services equal but for name, volumes, address and host ports; default: the name without its number",
        "ordinal": "number within the group; default: the number at the end of the name, or 0",
        "role": "server, sidecar, store (needed by the component's servers until they end: stopped after them) "
        "or observer (monitoring only: started after everything else); default: by network_mode",
        "optional": "true: an unavailable image is not an error",
    },
    "network": {"ipam": "mapping"},
    "ipam of a network": {"config": "list of one mapping"},
    "ipam config of a network": {
        "subnet": "the instance's /24",
        "ip_range": "the part of it for containers without a fixed address; no service may have its address there",
    },
    "secret": {
        "file": "path of the file; nexusdev creates it",
        "x-nexusdev": "the recipe",
    },
    "x-nexusdev of a secret": {
        "password": "number of characters of [A-Za-z0-9]",
        "key": "number of random bytes, stored as base64",
        "text": "template with {{secret}}, {{sha256:secret}}, {{base64:secret}}",
        "certificate": "the group of the key or certificate; ca for the certificate authority",
        "runtime": "true: created empty, the component writes it",
        "jwt": "a token signed with the secret named by key; its other members are claims",
        "names": "with certificate: additional names in it",
        "live": "true: changed content does not recreate the container",
    },
    "config": {
        "file": "path of the file, relative to this one",
        "x-nexusdev": "nexusdev's settings for it",
    },
    "x-nexusdev of a config": {
        "live": "true: changed content does not recreate the container",
    },
    "volume": {},
    "include": {"path": "one path"},
}

#: The same for files that a project includes for its own services (docs/own-services.md); ``PLACES`` has the other places.
OWN_PLACES: Mapping[str, Mapping[str, str]] = {
    "top level of an own file": {
        "services": "mapping of services",
        "volumes": "mapping of named volumes, each empty",
        "secrets": "mapping of secret files",
        "configs": "mapping of config files",
    },
    "own service": {
        "image": "image reference",
        "build": "folder with a Dockerfile, or a mapping; instead of image",
        **_CONTAINER,
        "networks": "mapping: nexus → aliases; default: nexus",
        "ports": 'list of "CONTAINER" (the host port is chosen) or "127.0.0.1:HOST:CONTAINER"',
        "depends_on": "list of own services and components of the platform, or mapping to conditions; it starts when they are ready",
        "healthcheck": "mapping; decides readiness if x-nexusdev has no ready",
        "x-nexusdev": "nexusdev's settings for the service",
    },
    "network of an own service": {"aliases": "list of additional names"},
    "build": {
        "context": "folder, relative to this file",
        "dockerfile": "path relative to the folder; default: Dockerfile",
        "target": "stage of the Dockerfile; default: the last",
        "args": "mapping or list of NAME=value; never a secret",
    },
    "dependency of an own service": {
        "condition": "service_healthy or service_started: both wait until it is ready",
    },
    "x-nexusdev of an own service": {
        "env": "true: the variables of the components in depends_on, as containers use them",
        "certificate": "true: /run/tls/tls.crt and /run/tls/tls.key from the instance's CA, for the service's names",
        "ready": "mapping with one check; default: the healthcheck, else that it runs",
        "scrape": "mapping: where Prometheus finds its metrics",
    },
    "ready": {
        "http": "mapping: a status below 400 is ready",
        "tcp": "mapping: a connection is ready",
        "exec": "command in the container; exit code 0 is ready",
    },
    "http check": {
        "port": "container port, which must be in ports",
        "path": "path of the request; default: /",
        "tls": "true: HTTPS, verified by the instance's CA",
    },
    "tcp check": {"port": "container port, which must be in ports"},
    "scrape": {
        "port": "container port",
        "path": "path of the metrics; default: /metrics",
        "tls": "true: HTTPS, verified by the instance's CA",
    },
}

# Keys that users may expect, and why they are not supported.
REFUSED: Mapping[str, str] = {
    "version": "obsolete in Compose",
    "build": "nexusdev builds images from compose/images.lock.yaml",
    "container_name": "container names come from project and service, so that several instances can run side by side",
    "devices": "it fails in restricted sandboxes",
    "env_file": "use secret files, and list other variables here",
    "extra_hosts": "nexusdev writes every name and address into the hosts file",
    "labels": "labels are written by nexusdev and Compose",
    "oom_score_adj": "it fails in restricted sandboxes",
    "privileged": "it fails in restricted sandboxes and is not needed",
    "start_interval": "engines before version 25 reject it, and nexusdev does not wait for healthchecks",
    "ulimits": "they fail in restricted sandboxes",
}

#: Keys that an own file must not contain, if the reason differs from ``REFUSED`` or the platform's files may contain the key.
OWN_REFUSED: Mapping[str, str] = {
    "name": "your services belong to the instance",
    "networks": "there is one network, the instance's, and every service is on it",
    "include": "name every file in nexusdev.toml",
    "env_file": "x-nexusdev: {env: true} passes the variables; list others under environment",
    "network_mode": "every service of yours has an address of its own",
    "profiles": "your services are part of every profile",
    "ipv4_address": "the address is chosen",
    "deploy": "use mem_limit and pids_limit",
    "develop": "run nexusdev up again after a change",
}

_SIZE = re.compile(r"(\d+)\s*([kmgt]?)b?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


def table(value: Value, place: str, *, required: Sequence[str] = ()) -> Mapping[str, Value]:
    """Return the members of a mapping with a fixed set of keys.

    Args:
        value: The mapping.
        place: Name of the set of allowed keys.
        required: Keys that must be present.

    Raises:
        InvalidConfig: It is not a mapping, a key is unknown, or a required one is missing.
    """
    own = place in OWN_PLACES
    allowed = OWN_PLACES[place] if own else PLACES[place]
    reasons = {**REFUSED, **OWN_REFUSED} if own else REFUSED
    members = entries(value)
    for key in members:
        if key in allowed or (place.startswith("top level") and key.startswith("x-")):
            continue
        position = value.keys[key] if isinstance(value, MappingNode) else value.position
        raise config_error(position, f"unknown key {key}", allowed=tuple(allowed), near=key, why=reasons.get(key, ""))
    for key in required:
        if key not in members:
            raise config_error(value.position, f"{key} is missing", why=allowed[key])
    return members


def entries(value: Value) -> Mapping[str, Value]:
    """Return the members of a mapping with free keys; null is the empty mapping."""
    if isinstance(value, MappingNode):
        return value.items
    if is_null(value):
        return {}
    raise wrong(value, "a mapping")


def items(value: Value) -> tuple[Value, ...]:
    """Return the members of a list."""
    if isinstance(value, SequenceNode):
        return value.items
    raise wrong(value, "a list")


def is_null(value: Value) -> bool:
    """Return whether a value is the YAML null."""
    return isinstance(value, Scalar) and value.kind == "null"


def wrong(value: Value, wanted: str) -> InvalidConfig:
    """Return the error for a value of the wrong type, with the expected and the actual type."""
    found = {SequenceNode: "a list", MappingNode: "a mapping"}.get(type(value), "")
    if isinstance(value, Scalar):
        found = "nothing" if value.kind == "null" else repr(value.text)
    return config_error(value.position, f"must be {wanted}, not {found}")


def text(value: Value, wanted: str = "a string") -> str:
    """Return a text. Unambiguous numbers are accepted; yes, 010, 1e3, true must be quoted (YAML versions differ on them)."""
    if not isinstance(value, Scalar) or value.kind == "null":
        raise wrong(value, wanted)
    if value.kind in ("str", "int") and (value.kind == "str" or str(_as_int(value.text)) == value.text):
        return value.text
    raise config_error(
        value.position,
        f"must be {wanted}; YAML parsers disagree about {value.text}",
        hint=f'write "{value.text}"',
    )


def _as_int(word: str) -> int | None:
    try:
        return int(word)
    except ValueError:
        return None


def one_of(value: Value, allowed: Sequence[str]) -> str:
    """Return one of the allowed words."""
    word = value.text if isinstance(value, Scalar) else text(value)
    if word not in allowed:
        raise config_error(value.position, f"{word!r} is not supported", allowed=allowed, near=word)
    return word


def boolean(value: Value) -> bool:
    """Return true or false; a quoted or interpolated word is accepted."""
    if isinstance(value, Scalar) and value.text.lower() in ("true", "false"):
        return value.text.lower() == "true"
    raise wrong(value, "true or false")


def integer(value: Value, *, least: int = 0) -> int:
    """Return a whole number, at least ``least``; a quoted or interpolated one is accepted."""
    if isinstance(value, Scalar) and re.fullmatch(r"\d+", value.text) and int(value.text) >= least:
        return int(value.text)
    raise wrong(value, f"an integer of at least {least}")


def size(value: Value) -> int:
    """Return bytes from ``512k``, ``64m``, ``1g`` or a plain number."""
    matched = _SIZE.fullmatch(value.text) if isinstance(value, Scalar) else None
    if matched is None:
        raise wrong(value, "a size such as 512k, 64m, 1g")
    return int(matched[1]) * _UNITS[matched[2].lower()]


def duration(value: Value) -> float:
    """Return seconds from ``500ms``, ``30s``, ``1m30s``."""
    try:
        return durations.parse_compose(value.text if isinstance(value, Scalar) else "")
    except ValueError as error:
        raise wrong(value, "a duration such as 500ms, 30s, 1m30s") from error


def absolute(value: Value) -> str:
    """Return an absolute path in a container."""
    path = text(value, "an absolute path")
    if not path.startswith("/"):
        raise wrong(value, "an absolute path")
    return path


def texts(value: Value) -> tuple[str, ...]:
    """Return a list of texts."""
    return tuple(text(item) for item in items(value))


def words(value: Value) -> tuple[str, ...]:
    """Return a list of texts; a single text is split as a shell would."""
    if isinstance(value, SequenceNode):
        return texts(value)
    try:
        return tuple(shlex.split(text(value, "a list or a string")))
    except ValueError as error:
        raise config_error(value.position, f"cannot be split into words: {error}") from error


def pairs(value: Value) -> Mapping[str, str]:
    """Return NAME → value from a mapping or from a list of NAME=value."""
    if isinstance(value, MappingNode):
        return {
            key: text(item, "a string (values are not inherited from the host)") for key, item in value.items.items()
        }
    found: dict[str, str] = {}
    for item in items(value):
        name, equals, content = text(item).partition("=")
        if not equals:
            raise config_error(
                item.position,
                f"{name} has no value: values are not inherited from the host",
                hint=f'write "{name}=value"',
            )
        if name in found:
            raise config_error(item.position, f"{name} is duplicated")
        found[name] = content
    return found


def optional(members: Mapping[str, Value], key: str, reader: Callable[[Value], T], default: T) -> T:
    """Return the value of a key, or the default if it is missing.

    Args:
        members: The members of a mapping.
        key: The key.
        reader: Converts the value.
        default: The result without the key.
    """
    return reader(members[key]) if key in members else default
