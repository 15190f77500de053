"""Adds a file to the exclude file of a git repository, for this clone only; the user's lines stay."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from nexusdev.env.git import Finding, Repository, Standing, git_status_of, repositories

_INFO_MODE = 0o755


class Ignoring(Struct, frozen=True, kw_only=True):
    """The result of ``ignore``.

    Attributes:
        finding: How git treats the file afterwards.
        excluded: The exclude file that was changed; '' if that was not necessary.
    """

    finding: Finding
    excluded: str = ""


def ignore(path: Path, *, beside: str = "") -> Ignoring:
    """Make git ignore the file if it does not yet, and query git again.

    Args:
        path: The file.
        beside: Suffix of the names of its temporary files, ``*`` for any text (``.*.tmp``). They are ignored as well; only ``path``
            counts in the result.
    """
    found = [(each, _missing(each, path, beside)) for each in repositories(path)]
    if not any(patterns for _, patterns in found):
        return Ignoring(finding=Finding(standing=Standing.IGNORED if found else Standing.OUTSIDE))
    excluded, refusal = "", ""
    for repository, patterns in found:
        try:
            changed = append(repository.exclude, patterns)
        except OSError as error:
            refusal = f"failed to write {repository.exclude}: {error.strerror or error}"
            continue
        excluded = str(repository.exclude) if changed and repository.pattern(path) in patterns else excluded
    finding = git_status_of(path)
    if refusal and finding.standing is Standing.EXPOSED:
        finding = Finding(standing=Standing.EXPOSED, reason=refusal)
    return Ignoring(finding=finding, excluded=excluded if finding.standing is Standing.IGNORED else "")


def _missing(repository: Repository, path: Path, beside: str) -> list[bytes]:
    """Return the patterns of the files that are not ignored yet."""
    pattern, example = repository.pattern(path), path.with_name(path.name + beside.replace("*", "0"))
    missing = [] if repository.ignores(path).yes else [pattern]
    if beside and not repository.ignores(example).yes:
        missing.append(pattern + beside.encode())
    return missing


def append(exclude: Path, patterns: Iterable[bytes]) -> bool:
    """Add the missing patterns, each on its own line. Returns whether any were added. Raises OSError, and then changes nothing."""
    before = exclude.read_bytes() if exclude.exists() else b""
    missing = [each for each in patterns if each not in before.splitlines()]
    if not missing:
        return False
    _provide(exclude)
    start = b"\n" if before and not before.endswith(b"\n") else b""
    with exclude.open("ab", buffering=0) as file:
        _write_whole(file.fileno(), start + b"".join(each + b"\n" for each in missing))
    return True


def _write_whole(descriptor: int, data: bytes) -> None:
    """Write all data, or restore the file: a partial pattern would be another pattern."""
    size = os.fstat(descriptor).st_size
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def _provide(exclude: Path) -> None:
    """Create an empty exclude file if there is none, with the owner of the git folder."""
    common = exclude.parent.parent
    owner = common.stat()
    if not exclude.parent.exists():
        exclude.parent.mkdir(_INFO_MODE)
        _give(exclude.parent, owner)
    if not exclude.exists():
        exclude.touch()
        _give(exclude, owner)


def _give(path: Path, owner: os.stat_result) -> None:
    if os.geteuid() == 0:
        os.chown(path, owner.st_uid, owner.st_gid)
