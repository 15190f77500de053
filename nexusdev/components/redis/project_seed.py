"""Applies the project's own ``seed/redis/*.redis``.

Applied files are recorded in a key of Redis, so that a store that was emptied is seeded again.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from nexusdev.components.contract import Change, SeedFile
from nexusdev.components.redis import names
from nexusdev.components.redis.client import ResponseError, as_admin, connect, do, said
from nexusdev.components.redis.light_client import words
from nexusdev.components.redis.seed import master
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess
from nexusdev.wire.resp import RedisError


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
