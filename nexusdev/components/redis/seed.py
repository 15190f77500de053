"""What a fresh Redis gets: users on every node, this instance's mark, and the project's own ``seed/redis/*.redis``.

The mark is a function, not a key: neither eviction nor FLUSHALL nor an application that removes every key takes it away, and it is
replicated and persisted like data. Project files are remembered in a key, so that a store that was emptied is seeded again.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from nexusdev.components.contract import Change, SeedFile
from nexusdev.components.redis import names, users
from nexusdev.components.redis.client import Connection, ResponseError, as_admin, connect, do, said
from nexusdev.components.redis.light_client import words
from nexusdev.components.redis.quick_proof import MARK
from nexusdev.components.redis.readiness import master_of, probe
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess
from nexusdev.wire.resp import RedisError

HINT = "nexusdev status   show the state of Redis\nnexusdev logs redis-0 redis-1 redis-2   show the servers' logs"


def seed(access: InstanceAccess) -> Sequence[Change]:
    """Users everywhere, the mark on the master. ``SeedingFailed`` when there is no master or it refuses."""
    try:
        changes = [*users.align(access), *_mark(access, master(access))]
    except (OSError, RedisError) as error:
        raise SeedingFailed("failed to seed Redis", why=words(error), hint=HINT) from error
    return tuple(Change(what=what) for what in changes)


def apply(access: InstanceAccess, files: Sequence[SeedFile]) -> Sequence[Change]:
    """Run each file once, by its hash, as the application's user, all its commands or none."""
    files = [file for file in files if file.path.endswith(".redis")]
    if not files:
        return ()
    name = master(access)
    changes = []
    for file in sorted(files, key=lambda each: each.path):
        if _seeded(access, name, file):
            continue
        _run(access, name, file)
        _remember(access, name, file)
        changes.append(Change(what=f"applied {file.path}"))
    return tuple(changes)


def master(access: InstanceAccess) -> str:
    """The service that is master now. Users and seeds go to it directly: the gateway follows a moment later."""
    found = master_of(probe(access))
    if found is None:
        raise SeedingFailed("failed to seed Redis", why="there is not exactly one master", hint=HINT)
    return found.name


def library(nonce: str) -> str:
    """The function that tells whose Redis this is. It answers on a replica too, even on one that has lost its master."""
    return (
        "#!lua name=nexusdev\n"
        "redis.register_function{function_name='nexusdev_instance', flags={'no-writes', 'allow-stale'},"
        f" callback=function() return '{nonce}' end}}\n"
    )


def commands(file: SeedFile) -> list[list[str]]:
    """One command per line, words as in a shell; blank lines and lines that begin with # are left out."""
    found = []
    for number, line in enumerate(file.content.decode("utf-8").splitlines(), 1):
        try:
            line_words = shlex.split(line)
        except ValueError as error:
            raise SeedingFailed(f"seed/{file.path}, line {number}: {error}", evidence=[line]) from error
        if line_words and not line.lstrip().startswith("#"):
            found.append(line_words)
    return found


def _mark(access: InstanceAccess, name: str) -> tuple[str, ...]:
    with as_admin(access, name) as connection:
        if marked(connection) == access.nonce:
            return ()
        connection.function_load(library(access.nonce), replace=True)
    return ("wrote the instance's nonce",)


def marked(connection: Connection) -> str:
    """The nonce that the store carries, '' when it carries none."""
    try:
        return str(connection.fcall_ro(MARK, 0))
    except ResponseError as error:
        if "not found" in str(error).lower():
            return ""
        raise


def _seeded(access: InstanceAccess, name: str, file: SeedFile) -> bool:
    with as_admin(access, name) as connection:
        return connection.hget(names.SEEDED, file.path) == file.sha256


def _remember(access: InstanceAccess, name: str, file: SeedFile) -> None:
    with as_admin(access, name) as connection:
        connection.hset(names.SEEDED, file.path, file.sha256)


def _run(access: InstanceAccess, name: str, file: SeedFile) -> None:
    lines, password = commands(file), access.secrets.read(names.APP_PASSWORD)
    address = access.address(name, names.PORT)
    try:
        with connect(address, user=names.APP_USER, password=password, ca=access.ca_file, timeout=30) as connection:
            batch = connection.pipeline(transaction=True)
            for line_words in lines:
                do(batch, *line_words)
            replies = batch.execute(raise_on_error=False)
    except (OSError, RedisError) as error:
        raise SeedingFailed(f"seed/{file.path} was rejected; none of it was applied", why=words(error)) from error
    for line_words, reply in zip(lines, replies, strict=False):
        if isinstance(reply, ResponseError):
            raise SeedingFailed(f"seed/{file.path}: {shlex.join(line_words)} failed", why=said(reply))
