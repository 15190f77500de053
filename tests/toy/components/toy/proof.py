"""The proof after ``up``: the published URL and token lead to the server of this instance."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from nexusdev.components.contract import Proof
from nexusdev.components.https_connection import request
from nexusdev.errors import Degraded, IdentityMismatch
from nexusdev.interfaces import Address, InstanceAccess


def prove(access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
    """Read the nonce as an application would.

    Raises:
        IdentityMismatch: The server of another instance answered.
        Degraded: Nothing answered.
    """
    began = time.monotonic()
    host, _, port = urlsplit(values["TOY_URL"]).netloc.rpartition(":")
    headers = {"X-Token": values["TOY_TOKEN"]}
    try:
        answer = request("GET", Address(host=host, port=int(port)), "/instance", access=access, headers=headers)
    except OSError as error:
        raise Degraded("TOY_URL does not answer", why=str(error)) from error
    if answer.text != access.nonce:
        raise IdentityMismatch("TOY_URL leads to another instance", why=f"its nonce is {answer.text}")
    return (Proof(path="TOY_URL", seconds=time.monotonic() - began),)
