"""The gateway where servers have no fixed addresses, as in Kubernetes: it finds a server again that comes back with another address.

HAProxy and a server run in containers of their own, on a network whose DNS server knows the whole names only.
"""

from __future__ import annotations

import secrets
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexusdev.context import stack_file
from tests.engine_needed import require_image
from tests.integration.engine import client

pytestmark = pytest.mark.integration

GATEWAY = stack_file().parent / "gateway"
DOMAIN = ".nexus.test"
# A server that answers every request with 200 and its own address.
SERVER = """
import http.server, socket, ssl
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = socket.gethostbyname(socket.gethostname()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("", 8200), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/run/tls/tls.crt", "/run/tls/tls.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


class Cluster:
    """A network, a gateway and one server at a time."""

    def __init__(self, folder: Path) -> None:
        self.docker = client()
        self.name = f"nexusdev-test-moved-{secrets.token_hex(3)}"
        self.folder = folder
        self.network = self.docker.networks.create(self.name)
        self.containers: list[Any] = []

    def run(self, image: str, command: list[str], *, alias: str = "", **options: Any) -> Any:
        """Start a container. ``alias``: its only name on the network."""
        config = {self.name: self.docker.api.create_endpoint_config(aliases=[alias] if alias else [])}
        made = self.docker.containers.create(
            require_image(image),
            entrypoint=command,
            network=self.name,
            networking_config=config,
            init=True,
            volumes={str(self.folder): {"bind": "/run/tls", "mode": "ro"}, **options.pop("volumes", {})},
            **options,
        )
        made.start()
        self.containers.append(made)
        return made

    def start_server(self) -> str:
        """Start vault-0 and return its address."""
        made = self.run("nexusdev/relay", ["python3", "-c", SERVER], alias=f"vault-0{DOMAIN}")
        made.reload()
        return str(made.attrs["NetworkSettings"]["Networks"][self.name]["IPAddress"])

    def start_gateway(self) -> int:
        """Start HAProxy with the stack's own files, and return the port of vault-active on this machine."""
        files = {
            str(GATEWAY / "base.cfg"): "00-base.cfg",
            str(GATEWAY / "rw" / "checks.cfg"): "checks.cfg",
            str(GATEWAY / "rw" / "vault.cfg"): "vault.cfg",
        }
        made = self.run(
            "nexusdev/haproxy",
            ["haproxy", "-W", "-db", "-f", "/etc/gateway"],
            environment={"NEXUS_DOMAIN": DOMAIN},
            ports={"8200/tcp": ("127.0.0.1", None)},
            volumes={path: {"bind": f"/etc/gateway/{name}", "mode": "ro"} for path, name in files.items()},
        )
        made.reload()
        return int(made.attrs["NetworkSettings"]["Ports"]["8200/tcp"][0]["HostPort"])

    def remove(self) -> None:
        for container in self.containers:
            container.remove(force=True)
        self.network.remove()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    tmp_path.chmod(0o755)
    subject = ["-subj", "/CN=vault-0", "-addext", "subjectAltName=DNS:vault-0"]
    key = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(tmp_path / "tls.key"), "-out", str(tmp_path / "tls.crt")]
    subprocess.run(["openssl", "req", "-x509", *subject, *key], check=True, capture_output=True)
    (tmp_path / "ca.crt").write_bytes((tmp_path / "tls.crt").read_bytes())
    for each in tmp_path.iterdir():
        each.chmod(0o644)
    made = Cluster(tmp_path)
    try:
        yield made
    finally:
        made.remove()


def answer(port: int, ca: Path) -> str:
    """What vault-active answers; '' for no answer."""
    context = ssl.create_default_context(cafile=str(ca))
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=2) as plain,
            context.wrap_socket(plain, server_hostname="vault-0") as tls,
        ):
            tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return b"".join(iter(lambda: tls.recv(4096), b"")).decode().rpartition("\r\n\r\n")[2]
    except OSError:
        return ""


def answered(port: int, ca: Path, address: str) -> bool:
    """Whether this address answers within 30 s."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if answer(port, ca) == address:
            return True
        time.sleep(0.2)
    return False


def test_the_gateway_finds_a_server_with_a_new_address(cluster: Cluster, tmp_path: Path) -> None:
    port = cluster.start_gateway()
    first = cluster.start_server()
    assert answered(port, tmp_path / "ca.crt", first), "a server that starts after the gateway is not found"
    cluster.containers.pop().remove(force=True)
    cluster.run("nexusdev/base", ["sleep", "infinity"])  # takes the address that is free now
    second = cluster.start_server()
    assert second != first
    assert answered(port, tmp_path / "ca.crt", second)
