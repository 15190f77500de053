"""The toy as a component: ready when its server answers, seeded with the nonce, proven by reading it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from nexusdev.components.contract import (
    Change,
    Client,
    Component,
    Credentials,
    Link,
    Proof,
    Readiness,
    ServiceStatus,
    Variable,
)
from nexusdev.components.defaults import ComponentDefaults
from nexusdev.components.https_connection import get, request
from nexusdev.errors import IdentityMismatch, SeedingFailed
from nexusdev.interfaces import Address, InstanceAccess, View
from nexusdev.wire.endpoint import PublishedEndpoint
from tests.toy import quick_proof

_SERVICE, _PORT, _TOKEN = "toy-0", 8443, "toy-token"


class Toy(ComponentDefaults):
    """One server with one value."""

    name = "toy"
    title = "Toy"
    links = (Link(name="toy", variable="TOY_URL", path="/health"),)

    def probe(self, access: InstanceAccess, *, test_writes: bool = False) -> bool:
        try:
            return get(access.address(_SERVICE, _PORT), "/health", access=access).status == 200
        except OSError:
            return False

    def assess(self, facts: bool) -> Readiness:
        return Readiness(missing="" if facts else f"{_SERVICE} does not answer")

    def statuses(self, facts: bool) -> Sequence[ServiceStatus]:
        return (ServiceStatus(service=_SERVICE, role="server", state="running" if facts else "down", ok=facts),)

    def seed(self, access: InstanceAccess, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        address, headers = access.address(_SERVICE, _PORT), {"X-Token": access.secrets.read(_TOKEN)}
        try:
            if request("GET", address, "/instance", access=access, headers=headers).text == access.nonce:
                return ()
            body = access.nonce.encode()
            request("PUT", address, "/instance", access=access, headers=headers, body=body)
        except OSError as error:
            raise SeedingFailed("the toy could not be seeded", why=str(error)) from error
        return (Change(what="stored the nonce"),)

    def variables(self, access: InstanceAccess, view: View) -> Sequence[Variable]:
        return (
            Variable(name="TOY_URL", value=f"https://{access.address_in(view, _SERVICE, _PORT)}"),
            Variable(name="TOY_TOKEN", value=access.secrets.read(_TOKEN), secret=True),
        )

    def endpoints(self, values: Mapping[str, str]) -> Iterable[PublishedEndpoint]:
        return quick_proof.endpoints(values)

    def prove(self, access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
        began = time.monotonic()
        host, _, port = urlsplit(values["TOY_URL"]).netloc.rpartition(":")
        headers = {"X-Token": values["TOY_TOKEN"]}
        answer = request("GET", Address(host=host, port=int(port)), "/instance", access=access, headers=headers)
        if answer.text != access.nonce:
            raise IdentityMismatch("the toy is another instance", why=answer.text)
        return (Proof(path="TOY_URL", seconds=time.monotonic() - began),)

    def client(self, arguments: Sequence[str]) -> Client:
        return Client(group="toy", argv=("python3", *arguments), reads_stdin=not arguments)


def create(components: Mapping[str, Component]) -> Component:
    """Return a new component. It knows no other."""
    return Toy()
