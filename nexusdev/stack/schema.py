"""The accepted subset of Compose as tables of keys. ``values`` reads the single values.

``docs/compose-subset.md`` documents the same tables; a test keeps the two equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexusdev.stack import values
from nexusdev.stack.document import MappingNode, Value, config_error

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
        "single": "true: one server of each group, which also has the role names of the gateway if that is excluded",
        "omit": "with single: list of groups that a single server does not need",
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
        "connects": "list of NAME:PORT, where NAME is a role name, service or group: its connections; network policies allow no others",
        "serves": "mapping: role name → list of the ports that clients use under it; default: all published ports",
        "ready": "mapping with one check, as in own-services.md, for runtimes that check readiness; default: the healthcheck",
        "alive": "mapping with one check (as for ready): a process that does not answer is restarted by runtimes that can; default: none",
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
        "ready": "mapping with one check; default: the healthcheck, else that it has run for two seconds",
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
    members = values.entries(value)
    for key in members:
        if key in allowed or (place.startswith("top level") and key.startswith("x-")):
            continue
        position = value.keys[key] if isinstance(value, MappingNode) else value.position
        raise config_error(position, f"unknown key {key}", allowed=tuple(allowed), near=key, why=reasons.get(key, ""))
    for key in required:
        if key not in members:
            raise config_error(value.position, f"{key} is missing", why=allowed[key])
    return members
