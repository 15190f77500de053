"""Checks before the first service starts that containers can read the instance's secrets. Once per runtime and state folder."""

from __future__ import annotations

import threading

from msgspec import json

from nexusdev.context import Context
from nexusdev.errors import PreflightFailed
from nexusdev.interfaces import ReadBack, Runtime
from nexusdev.util.files import replace

_FILE = "read-back.json"
_KEPT = 20


class ReadBackCheck:
    """The check for one command; thread-safe. What was readable once is remembered for all instances of the state folder.

    Args:
        context: The context of the command.
        runtime: The runtime of the instance, whose secrets exist.
    """

    def __init__(self, context: Context, runtime: Runtime) -> None:
        self._context, self._runtime = context, runtime
        self._lock = threading.Lock()
        self._done = False

    def run_for_image(self, image: str) -> None:
        """Check with a container of this image, unless the result is known.

        Args:
            image: An image that is available.

        Raises:
            PreflightFailed: A container cannot read the secrets (SECRETS_UNREADABLE).
        """
        with self._lock:
            if self._done or self._remembered():
                self._done = True
                return
            found = self._runtime.read_back(image)
            if found is None:
                return
            if found.problem:
                raise unreadable(found)
            self._remember()
            self._done = True

    def _remembered(self) -> bool:
        return self._key() in self._read()

    def _remember(self) -> None:
        known = [each for each in self._read() if each != self._key()]
        replace(self._context.root / _FILE, json.encode([*known, self._key()][-_KEPT:]) + b"\n")

    def _read(self) -> list[str]:
        try:
            return json.decode((self._context.root / _FILE).read_bytes(), type=list[str])
        except (OSError, ValueError):
            return []

    def _key(self) -> str:
        """Return what the result depends on: the runtime, and the users that own the secrets."""
        instance = self._context.instance()
        return (
            f"{self._context.settings.runtime} {self._context.provider.facts().identity} {instance.uid}:{instance.gid}"
        )


def unreadable(found: ReadBack) -> PreflightFailed:
    """Return the error for secrets that a container cannot read."""
    return PreflightFailed(
        "containers cannot read the instance's secrets",
        why=f"a container that runs as {found.user} got: {found.problem}",
        hint=found.hint,
        code="SECRETS_UNREADABLE",
    )
