"""One of the project's own services as a component, made from what its file declares.

The registry has no row for it: it joins the components of the instances of its project (``Context.components``).
"""

from __future__ import annotations

import socket
from collections.abc import Sequence

from msgspec import Struct

from nexusdev.components.contract import Link, Readiness, ServiceStatus
from nexusdev.components.defaults import ComponentDefaults
from nexusdev.errors import NexusError
from nexusdev.interfaces import Address, InstanceAccess
from nexusdev.stack.model import ReadyCheck, Service

_PATIENCE = 2.0
# The engine's proxy accepts a connection even if no process listens in the container, and drops it a moment later.
_DROPPED_WITHIN = 0.2
_ERROR = 400
# Seconds for which a service without a check must have run. Servers with a bad setting end in the first, and a cluster reports that a second later.
_SETTLED = 2.0


class Facts(Struct, frozen=True, kw_only=True):
    """What a probe found: the ``trouble`` in a sentence, '' for none; whether the container ``runs`` at all."""

    trouble: str = ""
    runs: bool = True


class OwnServiceComponent(ComponentDefaults):
    """Ready when its declared check succeeds. It has no application data that nexusdev knows of: nothing to seed, prove or rotate."""

    def __init__(self, service: Service) -> None:
        if service.own is None:
            raise ValueError(f"{service.name} is a service of the platform")
        self._service, self._own = service, service.own
        self.name = service.component
        self.title = service.name
        self.requires = service.own.needs
        self.links = tuple(_links(service, service.own.ready))

    def probe(self, access: InstanceAccess, *, test_writes: bool = False) -> Facts:
        """Ask the service itself. ``test_writes``: what it writes is its own business."""
        del test_writes
        observed = access.runtime.observe().services.get(self._service.name)
        if observed is None or not observed.runs:
            return Facts(trouble=f"{self._service.name} is not running", runs=False)
        return Facts(trouble=self._trouble(access, self._own.ready, observed.since))

    def _trouble(self, access: InstanceAccess, check: ReadyCheck, since: float) -> str:
        match check.kind:
            case "http":
                return _http(access.address(self._service.name, check.port), check, access, self._service.name)
            case "tcp":
                return tcp_trouble(access.address(self._service.name, check.port), check.port)
            case "exec":
                return _exec(access, self._service.name, check.argv)
            case _:
                settled = access.runtime.now() - since >= _SETTLED
                return "" if settled else f"it has no check, and has not run for {_SETTLED:.0f} s yet"

    def assess(self, facts: Facts) -> Readiness:
        return Readiness(missing=facts.trouble and f"{self._service.name}: {facts.trouble}")

    def statuses(self, facts: Facts) -> Sequence[ServiceStatus]:
        state = "down" if not facts.runs else "not ready" if facts.trouble else "running"
        row = ServiceStatus(
            service=self._service.name, role="server", state=state, detail=facts.trouble, ok=not facts.trouble
        )
        return (row,)

    def data_loss(self, service: Service) -> str:
        """No service of the platform needs it. A volume that another own service mounts as well stays."""
        mounted = [mount.volume for mount in service.volumes]
        return f"everything in {', '.join(mounted)}" if mounted else "nothing: it has no volume"


def _links(service: Service, check: ReadyCheck) -> Sequence[Link]:
    """The URL of its port: the one that is checked, else the first."""
    ports = [port.container for port in service.ports]
    if not ports:
        return ()
    port = check.port or ports[0]
    http = check.kind == "http"
    scheme = ("https" if check.tls else "http") if http else "tcp"
    return (Link(name=service.name, role=service.name, port=port, scheme=scheme, path="/" if http else ""),)


def _http(address: Address, check: ReadyCheck, access: InstanceAccess, name: str) -> str:
    try:
        status = _https_status(address, check, access, name) if check.tls else _http_status(address, check.path)
    except OSError as error:
        return f"no answer to GET {check.path} on port {check.port} ({_words(error)})"
    return f"GET {check.path} answers {status}" if status >= _ERROR else ""


def _https_status(address: Address, check: ReadyCheck, access: InstanceAccess, name: str) -> int:
    from nexusdev.components.https_connection import get

    return get(address, check.path, access=access, timeout=_PATIENCE, name=name).status


def _http_status(address: Address, path: str) -> int:
    from http.client import HTTPConnection, HTTPException

    connection = HTTPConnection(address.host, address.port, timeout=_PATIENCE)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except HTTPException as error:
        raise ConnectionError(f"this is not HTTP: {error!r}") from error
    finally:
        connection.close()


def tcp_trouble(address: Address, port: int) -> str:
    """Why connections to a container port are not accepted at its address on the host; '' if they are."""
    try:
        with socket.create_connection((address.host, address.port), timeout=_PATIENCE) as connection:
            connection.settimeout(_DROPPED_WITHIN)
            if not connection.recv(1, socket.MSG_PEEK):
                return f"port {port} drops connections"
    except TimeoutError:
        return ""  # the server waits for the client's first message
    except OSError as error:
        return f"port {port} accepts no connections ({_words(error)})"
    return ""


def _exec(access: InstanceAccess, name: str, argv: Sequence[str]) -> str:
    try:
        done = access.runtime.execute(name, argv, timeout=_PATIENCE)
    except NexusError as error:
        return f"{argv[0]} cannot be run: {error.message}"
    if done.exit_code == 0:
        return ""
    lines = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
    return f"{argv[0]} exits with {done.exit_code}" + (f" ({lines[-1][:120]})" if lines else "")


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower() or type(error).__name__
