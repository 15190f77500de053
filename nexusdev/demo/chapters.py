"""The chapters of the tour: what each shows, and how to do it by hand. Pure."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from nexusdev.errors import UsageError
from nexusdev.util.nearest import nearest

#: Without the current folder in the path (-P): a project may have a folder named ``redis``.
SHOP = f"{shlex.quote(sys.executable)} -P -m nexusdev.demo.shop"


class Act(StrEnum):
    """What a chapter does."""

    STATUS = "status"
    SHOP = "shop"
    LOGIN = "login"
    DRILL = "drill"
    ALERT = "alert"
    VERIFY = "verify"


class Chapter(Struct, frozen=True, kw_only=True):
    """One chapter.

    Attributes:
        name: What users type.
        title: Its heading.
        text: What it shows, in a few sentences.
        by_hand: The commands that do the same.
        act: What it does.
        argument: The drill, or the command of the shop.
        needs: The components that it uses.
    """

    name: str
    title: str
    text: str
    by_hand: tuple[str, ...]
    act: Act
    argument: str = ""
    needs: tuple[str, ...] = ()


#: The systems in which the shop stores data.
ALL_SYSTEMS = ("postgres", "redis", "minio", "vault")

CHAPTERS = (
    Chapter(
        name="stack",
        title="What runs",
        text="This is the platform as in production: a primary with two replicas, a Redis master with three "
        "sentinels, four MinIO nodes, three Vault nodes, monitoring, and gateways that always lead to the "
        "server that is in charge.",
        by_hand=("nexusdev status", "nexusdev urls"),
        act=Act.STATUS,
    ),
    Chapter(
        name="data",
        title="A shop with data in all four systems",
        text="A small shop stores its sample data: tables in PostgreSQL, prices in Redis, a catalogue in MinIO, "
        "and a key in Vault. It is an ordinary program that reads the variables of the env file and knows "
        "nothing else.",
        by_hand=(f"nexusdev run -- {SHOP} load",),
        act=Act.SHOP,
        argument="load",
        needs=ALL_SYSTEMS,
    ),
    Chapter(
        name="use",
        title="Every path in use",
        text="The shop sells one product: it writes to the primary, reads through the connection pool and from a "
        "replica, counts in Redis, stores a receipt in MinIO and reads its key from Vault. Everything is "
        "encrypted.",
        by_hand=(f"nexusdev run -- {SHOP} buy",),
        act=Act.SHOP,
        argument="buy",
        needs=ALL_SYSTEMS,
    ),
    Chapter(
        name="credentials",
        title="A login that ends with the program",
        text="Vault makes a login to PostgreSQL for one run of the shop, and drops it when the shop ends. The "
        "program does not change: it reads the same variables.",
        by_hand=(f"nexusdev run -- {SHOP} whoami", f"nexusdev run --dynamic -- {SHOP} whoami"),
        act=Act.LOGIN,
        argument="whoami",
        needs=("postgres", "vault"),
    ),
    Chapter(
        name="postgres",
        title="The primary of PostgreSQL is killed",
        text="Writers and readers work while the primary is killed (SIGKILL). A replica takes over. The bars are "
        "what clients got done; each write that was acknowledged is looked up afterwards.",
        by_hand=("nexusdev drill postgres-primary-kill",),
        act=Act.DRILL,
        argument="postgres-primary-kill",
        needs=("postgres",),
    ),
    Chapter(
        name="redis",
        title="The master of Redis is killed",
        text="The sentinels agree that the master is gone and promote a replica. Clients keep their address: the "
        "gateway follows the sentinels.",
        by_hand=("nexusdev drill redis-master-kill",),
        act=Act.DRILL,
        argument="redis-master-kill",
        needs=("redis",),
    ),
    Chapter(
        name="minio",
        title="A node of MinIO is killed",
        text="Objects are spread over four nodes, and three of them are enough to read and write. When the node is"
        " back, it repairs itself.",
        by_hand=("nexusdev drill minio-node-kill",),
        act=Act.DRILL,
        argument="minio-node-kill",
        needs=("minio",),
    ),
    Chapter(
        name="vault",
        title="The active node of Vault is killed",
        text="Another node becomes active. The killed one starts again and unseals itself, with nobody's help.",
        by_hand=("nexusdev drill vault-active-kill",),
        act=Act.DRILL,
        argument="vault-active-kill",
        needs=("vault",),
    ),
    Chapter(
        name="alert",
        title="An alert that fires, and ends",
        text="A replica of Redis is stopped, as for maintenance. Prometheus notices, an alert fires, and it ends "
        "when the replica is back. This takes about a minute.",
        by_hand=(
            "nexusdev status --watch      # which server of Redis is a replica: redis-2, for example",
            "nexusdev stop redis-2",
            "nexusdev start redis-2",
        ),
        act=Act.ALERT,
        argument="redis",
        needs=("redis", "monitoring"),
    ),
    Chapter(
        name="scorecard",
        title="Measured, not asserted",
        text="Response times, replication lag, monitoring coverage and security controls are measured "
        "and tried now, on this stack. The whole scorecard also has storage, a thousand users at once "
        "and a failover.",
        by_hand=("nexusdev verify",),
        act=Act.VERIFY,
        needs=("postgres", "vault"),
    ),
)


def chosen(names: Sequence[str]) -> tuple[Chapter, ...]:
    """Return the chapters with these names, in the order of the tour; all without names.

    Raises:
        UsageError: There is no such chapter; the error names the nearest.
    """
    known = {each.name: each for each in CHAPTERS}
    for name in names:
        if name not in known:
            near = nearest(name, known)
            raise UsageError(
                f"there is no chapter {name}",
                why=f"chapters: {', '.join(known)}",
                hint=f"nexusdev demo {near[0]}" if near else "nexusdev demo",
            )
    return tuple(each for each in CHAPTERS if not names or each.name in names)
