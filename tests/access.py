"""What a component sees of an instance that does not exist, for tests of components."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nexusdev.interfaces import Address, InstanceAccess
from nexusdev.stack.topology import Topology
from tests.topology import topology as of_repository


def instance_access(
    tls: Path,
    *,
    nonce: str = "c0ffee",
    addresses: Mapping[tuple[str, int], Address] | None = None,
    secrets: Any = None,
    runtime: Any = None,
    topology: Topology | None = None,
    client_folder: Path | None = None,
) -> InstanceAccess:
    """The instance ``shop``.

    Args:
        tls: The folder of the CA and the client's certificate. The files are only named.
        nonce: What its servers answer with.
        addresses: As in ``InstanceAccess``, and kept as it is: a test may fill it later.
        secrets: A store; None for a test that reads none.
        runtime: A runtime, or the part of one that the test needs.
        topology: None for the one of the stack in the repository.
        client_folder: The files of clients on the host.
    """
    return InstanceAccess(
        instance="shop",
        nonce=nonce,
        addresses={} if addresses is None else addresses,
        secrets=secrets,
        ca_file=tls / "ca.crt",
        client_certificate=tls / "client.crt",
        client_key=tls / "client.key",
        runtime=runtime,
        topology=topology or of_repository(),
        client_folder=client_folder or Path(),
    )
