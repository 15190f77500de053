"""Clients that only connect, over and over, and wait without a limit of their own, as libpq does by default.

While a part dies, each of them must be answered or sent away: one that is left without either waits for ever.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

# what a PostgreSQL client sends before TLS: length 8, code 80877103
SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
PATIENCE = 30.0


@dataclass(kw_only=True)
class Account:
    """The results of the clients.

    Attributes:
        answered: Connections that completed the TLS handshake.
        longest: Longest time until then, or until the end of a connection, in seconds.
    """

    answered: int = 0
    longest: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where a system is reached, and what its clients say before TLS."""

    host: str
    port: int
    context: ssl.SSLContext
    greeting: bytes = b""

    def knock(self) -> bool:
        """Whether there was an answer."""
        try:
            with socket.create_connection((self.host, self.port), timeout=PATIENCE) as plain:
                if self.greeting:
                    plain.sendall(self.greeting)
                    plain.recv(1)
                self.context.wrap_socket(plain, server_hostname=self.host).close()
        except OSError:
            return False
        return True


@contextlib.contextmanager
def knocking(variables: Mapping[str, str], systems: Iterable[str], *, clients: int = 4) -> Iterator[Account]:
    """Connect to each of the systems while the block runs. The account is whole after it."""
    account, stop = Account(), threading.Event()
    threads = [
        threading.Thread(target=_knock_until, args=(door, account, stop), daemon=True)
        for door in map(doors(variables).__getitem__, systems)
        for _ in range(clients)
    ]
    for thread in threads:
        thread.start()
    try:
        yield account
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=PATIENCE + 5)


def doors(variables: Mapping[str, str]) -> dict[str, Door]:
    """System → its door, from the variables that its clients read."""
    context = ssl.create_default_context(cafile=variables["NEXUSDEV_CA_FILE"])
    minio, vault = urlsplit(variables["AWS_ENDPOINT_URL_S3"]), urlsplit(variables["VAULT_ADDR"])
    return {
        "postgresql": Door(
            host=variables["PGHOST"], port=int(variables["PGPORT"]), context=context, greeting=SSL_REQUEST
        ),
        "redis": Door(host=variables["REDIS_HOST"], port=int(variables["REDIS_PORT"]), context=context),
        "minio": Door(host=minio.hostname or "", port=minio.port or 443, context=context),
        "vault": Door(host=vault.hostname or "", port=vault.port or 443, context=context),
    }


def _knock_until(door: Door, account: Account, stop: threading.Event) -> None:
    while not stop.is_set():
        began = time.monotonic()
        account.answered += door.knock()
        account.longest = max(account.longest, time.monotonic() - began)
        time.sleep(0.02)
