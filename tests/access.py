"""What a component sees of an instance that does not exist, for tests of components.

An address or a secret that the compose files do not have fails the test that asks for it, so the names in a component's code are
those of the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from nexusdev.interfaces import Address, InstanceAccess
from nexusdev.stack.model import Stack
from nexusdev.stack.topology import Topology
from tests.topology import stack as repository
from tests.topology import topology as of_repository


def published_by(stack: Stack) -> set[tuple[str, int]]:
    """The names and container ports that have an address: services, their aliases and the sidecars that share their network."""
    return {
        (name, port.container)
        for owner in stack.services.values()
        for name in (
            owner.name,
            *owner.aliases,
            *(each.name for each in stack.services.values() if each.shares == owner.name),
        )
        for port in owner.ports
    }


@cache
def _published() -> set[tuple[str, int]]:
    return published_by(repository())


class PublishedAddresses(Mapping[tuple[str, int], Address]):
    """The addresses of a test. Asking for one that no compose file publishes is an error."""

    def __init__(self, addresses: Mapping[tuple[str, int], Address]) -> None:
        self._addresses = addresses

    def __getitem__(self, key: tuple[str, int]) -> Address:
        assert key in _published(), f"no service of compose/ publishes port {key[1]} of {key[0]}"
        return self._addresses[key]

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(self._addresses)

    def __len__(self) -> int:
        return len(self._addresses)


class DeclaredSecrets:
    """The secrets of a test. Reading or writing one that no compose file declares is an error."""

    def __init__(self, secrets: Any) -> None:
        self._secrets = secrets

    def read(self, name: str) -> str:
        assert name in repository().secrets, f"no file of compose/ has a secret {name}"
        value: str = self._secrets.read(name)
        return value

    def write(self, name: str, value: str) -> None:
        assert name in repository().secrets, f"no file of compose/ has a secret {name}"
        self._secrets.write(name, value)


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
        topology: None for the one of the stack in the repository, whose names are then checked.
        client_folder: The files of clients on the host.
    """
    known = {} if addresses is None else addresses
    store: Any = DeclaredSecrets(secrets) if secrets and topology is None else secrets
    return InstanceAccess(
        instance="shop",
        nonce=nonce,
        addresses=PublishedAddresses(known) if topology is None else known,
        secrets=store,
        ca_file=tls / "ca.crt",
        client_certificate=tls / "client.crt",
        client_key=tls / "client.key",
        runtime=runtime,
        topology=topology or of_repository(),
        client_folder=client_folder or Path(),
    )
