"""The proof after ``up``: every published path leads to this instance's Redis, with the application's variables and library."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial

from nexusdev.components.contract import Proof
from nexusdev.components.redis import names
from nexusdev.components.redis.client import RedisClient, connect, do
from nexusdev.components.redis.light_client import words
from nexusdev.components.redis.seed import marked
from nexusdev.errors import Degraded, IdentityMismatch
from nexusdev.interfaces import Address, InstanceAccess
from nexusdev.util.parallel import together
from nexusdev.wire.resp import RedisError

Enter = Callable[[Address], AbstractContextManager[RedisClient]]

_WRONG_LOGIN = ("WRONGPASS", "NOAUTH", "NOPERM")


def prove(access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
    """Read the nonce through each published path: the master, the replicas, and the master that each sentinel names.

    Args:
        access: The instance.
        values: The variables for applications, by name (host view).

    Raises:
        IdentityMismatch: A path leads to another instance.
        Degraded: A path does not answer, or leads to a server of the wrong role.
    """
    ca = values.get("NEXUSDEV_CA_FILE") or access.ca_file
    enter = partial(connect, user=values["REDIS_USERNAME"], password=values["REDIS_PASSWORD"], ca=ca)
    master = Address(host=values["REDIS_HOST"], port=int(values["REDIS_PORT"]))
    ways: dict[str, Callable[[], None]] = {
        names.MASTER: partial(_at, enter, master, access.nonce, role="master"),
    }
    if len(names.servers(access)) > 1:
        replica = access.address(names.REPLICA, names.PORT)
        ways[names.REPLICA] = partial(_at, enter, replica, access.nonce, role="slave")
    for place in filter(None, values.get("REDIS_SENTINELS", "").split(",")):
        way = partial(_by_sentinel, enter, _address(place), values["REDIS_MASTER_NAME"], access.nonce)
        ways[f"sentinel at {place}"] = way
    return tuple(together({name: partial(_timed, name, way) for name, way in ways.items()}).values())


def _timed(name: str, way: Callable[[], None]) -> Proof:
    began = time.monotonic()
    try:
        way()
    except ssl.SSLCertVerificationError as error:
        raise IdentityMismatch(f"{name} is not this instance's", why=words(error)) from error
    except OSError as error:
        raise Degraded(f"{name} does not answer", why=words(error), hint="nexusdev status") from error
    except RedisError as error:
        kind = IdentityMismatch if error.code in _WRONG_LOGIN else Degraded
        raise kind(f"{name} rejected the application's login", why=str(error), hint="nexusdev seed redis") from error
    return Proof(path=name, seconds=time.monotonic() - began)


def _at(enter: Enter, address: Address, nonce: str, *, role: str) -> None:
    with enter(address) as connection:
        _check_mark(connection, address, nonce)
        found = connection.role()[0]
        if found != role:
            raise Degraded(f"{address} routes to a {found}, not to a {role}", hint="nexusdev status")


def _check_mark(connection: RedisClient, address: Address, nonce: str) -> None:
    found = marked(connection)
    if not found:
        raise Degraded(f"the Redis at {address} does not contain this instance's nonce", hint="nexusdev seed redis")
    if found != nonce:
        raise IdentityMismatch(f"the Redis at {address} belongs to another instance", why=f"its nonce is {found}")


def _by_sentinel(enter: Enter, address: Address, master_name: str, nonce: str) -> None:
    with enter(address) as connection:
        master = do(connection, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", master_name)
    if not master:
        raise Degraded(f"the sentinel at {address} knows no master {master_name}", hint="nexusdev status")
    host, port = master
    _at(enter, Address(host=str(host), port=int(port)), nonce, role="master")


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return Address(host=host, port=int(port))
