"""Stores the instance's nonce. Idempotent."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.contract import Change
from nexusdev.components.https_connection import request
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess
from tests.toy.components.toy import names


def seed(access: InstanceAccess) -> Sequence[Change]:
    """Store the nonce unless it is there.

    Raises:
        SeedingFailed: The server does not answer.
    """
    address = access.address(names.server(access), names.PORT)
    headers = {"X-Token": access.secrets.read(names.TOKEN)}
    try:
        if request("GET", address, "/instance", access=access, headers=headers).text == access.nonce:
            return ()
        request("PUT", address, "/instance", access=access, headers=headers, body=access.nonce.encode())
    except OSError as error:
        raise SeedingFailed("the nonce could not be stored in Toy", why=str(error)) from error
    return (Change(what="stored the nonce"),)
