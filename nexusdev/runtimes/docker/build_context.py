"""The files in a build context, and their hash. ``.dockerignore`` is applied as the engine's own client does."""

from __future__ import annotations

import hashlib
from pathlib import Path

from nexusdev.stack.model import ServiceBuild

_EXECUTABLE = 0o111


def digest(build: ServiceBuild) -> str:
    """Return the hash (64 hexadecimal digits) of all inputs of a build, except its base images.

    Raises:
        OSError: A file cannot be read.
    """
    whole = hashlib.sha256(repr((build.dockerfile, build.target, sorted(build.args.items()))).encode())
    for name in files(build):
        whole.update(repr((name, *_content(build.folder / name))).encode())
    return whole.hexdigest()


def files(build: ServiceBuild) -> list[str]:
    """Return the paths in the build context, relative to its folder, sorted."""
    from docker.utils.build import exclude_paths

    ignore = build.folder / ".dockerignore"
    lines = ignore.read_text(encoding="utf-8").splitlines() if ignore.is_file() else []
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return sorted(exclude_paths(str(build.folder), patterns, dockerfile=build.dockerfile))


def _content(path: Path) -> tuple[str, bool, str]:
    """Return the kind of a path, whether it is executable, and the hash of its content or the target of a link."""
    if path.is_symlink():
        return "link", False, str(path.readlink())
    if path.is_file():
        with path.open("rb") as stream:
            return "file", bool(path.stat().st_mode & _EXECUTABLE), hashlib.file_digest(stream, "sha256").hexdigest()
    return "folder", False, ""
