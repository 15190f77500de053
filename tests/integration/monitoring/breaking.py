"""Ways to really break the stack so that an alert must be seen, and to mend what `nexusdev up` does not: a drill's tools.

Each breaker does it and returns a function that takes it back, or that does nothing where starting what is stopped is enough.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hvac

from tests.integration import application as app
from tests.integration import engine
from tests.integration.conftest import Project

Mend = Callable[[], object]
_POOL = 20
_HOLE = "hostnossl all all all scram-sha-256"
_HBA = "/data/postgresql/pg_hba.conf"


@dataclass(frozen=True, kw_only=True)
class World:
    """What a breaker needs: the instance, and what an application knows of it."""

    project: Project
    variables: Mapping[str, str]

    @property
    def state(self) -> Path:
        """The folder of the instance's state."""
        return self.project.state / "instances" / engine.instance_of(self.project)

    def secret(self, name: str) -> str:
        shown = self.project.run("secrets", "show", name)
        assert shown.code == 0, shown.err
        return shown.out.strip()


def kill(world: World, *services: str) -> Mend:
    """All at once: one dead sentinel must not be noticed before the next."""
    containers = [engine.container(world.project, service) for service in services]
    threads = [threading.Thread(target=each.kill) for each in containers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return lambda: None


def fill_the_pool(world: World) -> Mend:
    """Every server connection is held in a transaction; three more clients wait for one."""
    held = [app.postgres(world.variables, world.variables["DATABASE_POOL_URL"]) for _ in range(_POOL)]
    for connection in held:
        connection.execute("SELECT 1")
    waiting = [threading.Thread(target=_wait_in_line, args=(world,), daemon=True) for _ in range(3)]
    for thread in waiting:
        thread.start()

    def mend() -> None:
        for connection in held:
            connection.close()
        for thread in waiting:
            thread.join(timeout=10)

    return mend


def _wait_in_line(world: World) -> None:
    with contextlib.suppress(Exception):  # it may be told that it waited too long
        app.postgres(world.variables, world.variables["DATABASE_POOL_URL"], autocommit=True).execute("SELECT 1")


def connect_in_plaintext(world: World, primary: str) -> Mend:
    """Somebody opens pg_hba.conf for plaintext, and an application comes through the hole."""
    container = engine.container(world.project, primary)
    _run(container, f"sed -i '1i {_HOLE}' {_HBA} && kill -HUP $(head -n 1 /data/postgresql/postmaster.pid)")
    opened: list[Any] = []

    def connected() -> bool:
        opened.append(app.postgres(world.variables, world.variables["DATABASE_URL"], sslmode="disable"))
        return True

    app.until(connected, seconds=10, what="a connection without TLS")

    def mend() -> None:
        _run(container, f"sed -i '/^{_HOLE}/d' {_HBA} && kill -HUP $(head -n 1 /data/postgresql/postmaster.pid)")
        opened[0].close()

    return mend


def _run(container: Any, script: str) -> None:
    ran = container.exec_run(["sh", "-c", script])
    assert ran.exit_code == 0, ran.output.decode()


def seal(world: World, active: str) -> Mend:
    """An operator who gives himself the right to seal uses it. A sealed node stays so until it is started again."""
    client = _operator(world)
    path = "sys/policies/acl/nexus-operator"
    policy = client.read(path)["data"]["policy"]
    client.write(path, policy=f'{policy}\npath "sys/seal" {{ capabilities = ["update", "sudo"] }}\n')
    client.sys.seal()

    def mend() -> None:
        assert world.project.run("restart", active).code == 0
        _operator(world).write(path, policy=policy)

    return mend


def _operator(world: World) -> Any:
    client = hvac.Client(url=world.variables["VAULT_ADDR"], verify=world.variables["VAULT_CACERT"], timeout=5)
    client.auth.approle.login(
        role_id=world.secret("vault-operator-role-id"), secret_id=world.secret("vault-operator-secret-id")
    )
    return client


def shorten_a_certificate(world: World, group: str, *, seconds: float) -> Mend:
    """The group's certificate is replaced by one that ends soon, and nexusdev counts anew. ``up`` makes a good one."""
    from nexusdev.instance import textfile_metrics
    from nexusdev.stack.model import Network, Stack

    tls = world.state / "tls"
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
    (tls / f"{group}.crt").write_bytes(_until(tls, group, until))
    issued = json.loads((tls / ".issued.json").read_text())
    issued[group]["until"] = until.timestamp()
    (tls / ".issued.json").write_text(json.dumps(issued))
    nothing = Stack(project="", network=Network(name="", subnet="10.0.0.0/24"), services={})
    families = textfile_metrics.instance_metrics(world.state, nothing)
    textfile_metrics.write(world.state, [each for each in families if "certificate" in each.name], lambda *_: None)
    return lambda: None


def _until(tls: Path, group: str, until: datetime) -> bytes:
    """The certificate of the group as it is, signed anew by the instance's CA, but with this end."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

    key = load_pem_private_key((tls / "ca.key").read_bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    old = x509.load_pem_x509_certificate((tls / f"{group}.crt").read_bytes())
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.issuer)
        .public_key(old.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(old.not_valid_before_utc)
        .not_valid_after(until)
    )
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)
