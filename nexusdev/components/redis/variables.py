"""Redis's variables for applications, from the host or from a container on the instance's network. Needs no network.

REDIS_URL has no parameters, because strict parsers (go-redis) refuse those that they do not know. The CA comes from SSL_CERT_FILE, which redis-py,
go-redis, redis-rb and redis-cli read by themselves, or from NODE_EXTRA_CA_CERTS. Celery refuses a ``rediss`` URL without ``ssl_cert_reqs``, so it has
URLs of its own, under the names that it reads by itself. A URL has one parameter at most: an ``&`` would end the value in a sourced file.

The sentinels know the application by the same name and password as the servers do: ``sentinel_kwargs`` get the same values.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from nexusdev.components.contract import Consumer, Credentials, Variable
from nexusdev.components.redis import names
from nexusdev.interfaces import InstanceAccess, View


class RedisLogin(Struct, frozen=True, kw_only=True):
    """The user that the variables publish."""

    user: str
    password: str


def variables(access: InstanceAccess, view: View) -> Sequence[Variable]:
    """In the order in which they are printed."""
    return published(access, view, RedisLogin(user=names.APP_USER, password=access.secrets.read(names.APP_PASSWORD)))


def published(access: InstanceAccess, view: View, login: RedisLogin) -> Sequence[Variable]:
    """Return the variables for a login."""
    at = access.address_in(view, names.MASTER, names.PORT)
    url = f"rediss://{login.user}:{login.password}@{at}/0"
    celery = f"{url}?ssl_cert_reqs=required"
    return (
        Variable(name="REDIS_HOST", first=True, value=at.host, comment="the current master; TLS only"),
        Variable(name="REDIS_PORT", first=True, value=str(at.port)),
        Variable(name="REDIS_USERNAME", value=login.user),
        Variable(name="REDIS_PASSWORD", first=True, value=login.password, secret=True),
        Variable(name="REDIS_URL", value=url, secret=True),
        Variable(
            name="CELERY_BROKER_URL", value=celery, secret=True, comment="Celery refuses a URL without ssl_cert_reqs"
        ),
        Variable(name="CELERY_RESULT_BACKEND", value=celery, secret=True),
        *_of_sentinels(access, view),
    )


def _of_sentinels(access: InstanceAccess, view: View) -> Sequence[Variable]:
    """Return the variables of the sentinels; none for a single server."""
    if not names.sentinels(access):
        return ()
    comment = "same user, password and CA as for the servers"
    return (
        Variable(name="REDIS_SENTINELS", value=sentinels(access, view), comment=comment),
        Variable(name="REDIS_MASTER_NAME", value=names.MASTER_NAME),
    )


def sentinels(access: InstanceAccess, view: View) -> str:
    """Where to ask for the master: ``host:port`` of each. On the host these are ports of the relay, which names addresses that exist there."""
    if view is View.HOST:
        ports = names.relay_ports(access).values()
        return ",".join(str(access.address(names.relay(access), port)) for port in ports)
    return ",".join(f"{name}:{names.SENTINEL_PORT}" for name in names.sentinels(access))


def credentials(access: InstanceAccess) -> Credentials:
    """What Vault keeps for applications on the instance's network."""
    application = {
        "host": names.MASTER,
        "port": str(names.PORT),
        "username": names.APP_USER,
        "password": access.secrets.read(names.APP_PASSWORD),
    }
    if names.sentinels(access):
        application |= {"sentinels": sentinels(access, View.CONTAINER), "master_name": names.MASTER_NAME}
    return {Consumer.APPLICATION: application}
