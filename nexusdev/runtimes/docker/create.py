"""Builds the JSON with which the engine creates containers, and the labels of networks and volumes. Pure, without the SDK."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import PurePosixPath
from typing import Any

from msgspec import Struct, field

from nexusdev.interfaces import OneOff
from nexusdev.runtimes.docker import labels
from nexusdev.stack.model import COPIES, FileMount, Logging, Network, Service, Stack

#: Seconds between two healthchecks of a platform service. Every check costs 100 to 200 ms of a processor, most of it the engine's.
DISPLAY_INTERVAL = 300.0
#: Seconds. Within this time, engines since version 25 check every 5 s until the first success; older ones ignore it.
DISPLAY_START_PERIOD = 60.0


class ResourceNames(Struct, frozen=True, kw_only=True):
    """Names and labels of the engine's resources of one instance.

    Attributes:
        state_path: The instance's state folder; stored in a label for nexusdev processes with another state root.
        more: Further labels, for other tools.
    """

    project: str
    instance: str
    owner_path: str
    state_path: str = ""
    stack: Stack | None = None
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def common(self) -> Mapping[str, str]:
        """The labels that all resources have."""
        return {
            **self.more,
            labels.PROJECT: self.project,
            labels.COMPOSE_VERSION: labels.A_COMPOSE_VERSION,
            labels.INSTANCE: self.instance,
            labels.OWNER_PATH: self.owner_path,
            **({labels.STATE_PATH: self.state_path} if self.state_path else {}),
        }

    def container(self, service: str) -> str:
        return f"{self.project}-{service}-1"

    def volume(self, name: str) -> str:
        return f"{self.project}_{name}"

    def network(self, name: str) -> str:
        return f"{self.project}_{name}"


def container_config(
    service: Service, names: ResourceNames, stack: Stack, *, fingerprint: str, owner_id: str = ""
) -> dict[str, Any]:
    """Return the body of POST /containers/create.

    Args:
        service: The service.
        names: Names and labels of the instance's resources.
        stack: The stack that the service belongs to.
        fingerprint: Hash of the service's definition, stored in a label.
        owner_id: Id of the container whose network is shared; '' for none.
    """
    return {
        "Image": service.image,
        "Entrypoint": None if service.entrypoint is None else list(service.entrypoint),
        "Cmd": None if service.command is None else list(service.command),
        "User": service.user,
        "Hostname": service.hostname,
        "WorkingDir": service.working_dir,
        "Env": [f"{name}={value}" for name, value in service.environment.items()],
        "Labels": _container_labels(service, names, stack, fingerprint),
        "ExposedPorts": {f"{port.container}/tcp": {} for port in service.ports},
        "StopSignal": service.stop_signal or None,
        "StopTimeout": max(1, round(service.stop_grace)),
        "Healthcheck": _healthcheck(service),
        "HostConfig": _host_config(service, names, stack, owner_id),
        "NetworkingConfig": _networking(service, names, stack),
    }


def _container_labels(service: Service, names: ResourceNames, stack: Stack, fingerprint: str) -> dict[str, str]:
    return {
        **names.common,
        labels.SERVICE: service.name,
        labels.NUMBER: "1",
        labels.ONE_OFF: "False",
        labels.WORKING_DIR: str(stack.file.parent),
        labels.CONFIG_FILES: str(stack.file),
        labels.CONFIG_HASH: fingerprint,
        labels.COMPONENT: service.component,
        labels.ROLE: service.role,
        labels.FINGERPRINT: fingerprint,
    }


def _host_config(service: Service, names: ResourceNames, stack: Stack, owner_id: str) -> dict[str, Any]:
    name, _, tries = service.restart.partition(":")
    limits = {"Memory": service.memory_bytes, "MemorySwap": service.memory_bytes} if service.memory_bytes else {}
    return {
        "NetworkMode": f"container:{owner_id}" if service.shares else names.network(stack.network.name),
        # a container that shares a network namespace also shares its hosts file
        "ExtraHosts": [] if service.shares else [f"{host}:{address}" for host, address in stack.hosts().items()],
        "PortBindings": {f"{port.container}/tcp": _bindings(service, port.container) for port in service.ports},
        "Mounts": _mounts(service, names, stack),
        "Tmpfs": dict(service.tmpfs),
        "ReadonlyRootfs": service.read_only,
        "Init": service.init or None,
        "CapDrop": list(service.cap_drop),
        "CapAdd": list(service.cap_add),
        "SecurityOpt": list(service.security_opt),
        "PidsLimit": service.pids or None,
        "ShmSize": service.shm_bytes or None,
        "RestartPolicy": {"Name": name, "MaximumRetryCount": int(tries or 0)},
        "LogConfig": _log_config(service.logging),
        **limits,
    }


def _bindings(service: Service, container_port: int) -> list[dict[str, str]]:
    return [
        {"HostIp": "127.0.0.1", "HostPort": str(port.host)}
        for port in service.ports
        if port.container == container_port
    ]


def _mounts(service: Service, names: ResourceNames, stack: Stack) -> list[dict[str, Any]]:
    copied = stack.copied_configs() if names.state_path else {}
    files = [
        {"Type": "bind", "Source": _source(mount, names, copied), "Target": mount.target, "ReadOnly": True}
        for mount in service.files
    ]
    volumes = [
        {"Type": "volume", "Source": names.volume(mount.volume), "Target": mount.target, "ReadOnly": mount.read_only}
        for mount in service.volumes
    ]
    return [*volumes, *files]


def _source(mount: FileMount, names: ResourceNames, copied: Collection[str]) -> str:
    """Return the host path of a mount. Config files are mounted from their copies, which have their own modes and survive a moved installation."""
    if mount.kind == "config" and mount.name in copied:
        return str(PurePosixPath(names.state_path) / COPIES / mount.name)
    return str(mount.source)


def _networking(service: Service, names: ResourceNames, stack: Stack) -> dict[str, Any]:
    if service.shares:
        return {}
    endpoint = {"IPAMConfig": {"IPv4Address": service.address}, "Aliases": [service.name, *service.aliases]}
    return {"EndpointsConfig": {names.network(stack.network.name): endpoint}}


def _healthcheck(service: Service) -> dict[str, Any] | None:
    """Return the healthcheck. Those of the platform run rarely: nothing waits for them, and each starts a process in a container.

    Docker Compose uses the interval of the file, because its ``up --wait`` waits for the first check.
    """
    check = service.healthcheck
    if check is None:
        return None
    interval, start_period = check.interval, check.start_period
    if service.own is None:
        interval, start_period = max(interval, DISPLAY_INTERVAL), max(start_period, DISPLAY_START_PERIOD)
    return {
        "Test": list(check.test),
        "Interval": round(interval * 1e9),
        "Timeout": round(check.timeout * 1e9),
        "StartPeriod": round(start_period * 1e9),
        "Retries": check.retries,
    }


def _log_config(logging: Logging | None) -> dict[str, Any]:
    """Return the logging configuration; an empty one uses the engine's default."""
    return {} if logging is None else {"Type": logging.driver, "Config": dict(logging.options)}


def helper_config(service: Service, names: ResourceNames, folders: Mapping[str, str]) -> dict[str, Any]:
    """Return the body for a container that is never started. It is used to write to the root folders of volumes.

    Args:
        service: The service that uses the volumes.
        names: Names and labels of the instance's resources.
        folders: Full volume name → path.
    """
    return {
        "Image": service.image,
        "Entrypoint": ["true"],
        "Labels": {**names.common, labels.SERVICE: service.name, labels.ONE_OFF: "True"},
        "HostConfig": {
            "NetworkMode": "none",
            "Mounts": [
                {"Type": "volume", "Source": volume, "Target": target, "VolumeOptions": {"NoCopy": True}}
                for volume, target in folders.items()
            ],
        },
    }


def one_off_config(
    one_off: OneOff, names: ResourceNames, *, network: str, tty: bool, with_stdin: bool
) -> dict[str, Any]:
    """Return the body of POST /containers/create for a one-off container.

    Args:
        one_off: The container to run.
        names: Names and labels of the instance's resources.
        network: The engine's name of the instance's network.
        tty: Whether it has a terminal.
        with_stdin: Whether it has a standard input, which ends with the caller's.
    """
    return {
        "Image": one_off.image,
        "Cmd": list(one_off.argv) or None,
        "User": one_off.user,
        "WorkingDir": one_off.working_dir,
        "Env": [f"{name}={value}" for name, value in one_off.environment.items()],
        "Labels": {**names.common, labels.ONE_OFF: "True", labels.ROLE: labels.ONE_OFF_ROLE},
        "Tty": tty,
        "AttachStdin": with_stdin,
        "AttachStdout": True,
        "AttachStderr": True,
        "OpenStdin": with_stdin,
        "StdinOnce": with_stdin,
        "HostConfig": {
            "NetworkMode": network,
            # a shell as process 1 would ignore the forwarded signals
            "Init": True,
            # the caller gets the output; a log in the engine would outlive the command
            "LogConfig": {"Type": "none"},
            "Mounts": [
                {"Type": "bind", "Source": str(each.source), "Target": each.target, "ReadOnly": each.read_only}
                for each in one_off.mounts
            ],
        },
    }


def read_back_config(service: Service, names: ResourceNames, source: str, target: str) -> dict[str, Any]:
    """Return the body for a container that reads a file with the rights of a service, and says how many files it may open.

    Args:
        service: Provides the image, the user, and the limits of rights.
        names: Names and labels of the instance's resources.
        source: The file on the host.
        target: Where it is mounted.
    """
    return {
        "Image": service.image,
        "Entrypoint": ["sh", "-c", 'ulimit -n; cat "$0"', target],
        "Cmd": [],
        "User": service.user,
        "Labels": {**names.common, labels.ONE_OFF: "True", labels.ROLE: labels.ONE_OFF_ROLE},
        "HostConfig": {
            "NetworkMode": "none",
            "Mounts": [{"Type": "bind", "Source": source, "Target": target, "ReadOnly": True}],
            "ReadonlyRootfs": service.read_only,
            "CapDrop": list(service.cap_drop),
            "CapAdd": list(service.cap_add),
            "SecurityOpt": list(service.security_opt),
            "LogConfig": {"Type": "json-file"},  # its output is read from the log; the engine's default may keep none
        },
    }


def network_labels(names: ResourceNames, network: Network) -> dict[str, str]:
    """Return the labels of a network."""
    return {**names.common, labels.NETWORK: network.name}


def address_pool(network: Network) -> dict[str, str]:
    """Return the ``IPAM.Config`` of the network. Dynamic addresses are outside of the services' static ones."""
    return {"Subnet": network.subnet, **({"IPRange": network.ip_range} if network.ip_range else {})}


def volume_labels(names: ResourceNames, volume: str) -> dict[str, str]:
    """Return the labels of a volume. ``volume``: its short name."""
    return {**names.common, labels.VOLUME: volume}
