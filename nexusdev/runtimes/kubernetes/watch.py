"""The pods of an instance as a stream: one kubectl that runs as long as somebody reads."""

from __future__ import annotations

import contextlib
import json
import os
import select
import time
from collections.abc import Iterator
from subprocess import Popen
from typing import Any

from msgspec import Struct

from nexusdev.runtimes.kubernetes import kubectl_errors
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.names import InstanceNames
from nexusdev.runtimes.kubernetes.render.manifest import Manifest

_CHUNK = 65536
TICK = 0.1  # seconds until a reader notices that it shall stop


class PodEvent(Struct, frozen=True, kw_only=True):
    """A change. ``kind``: ADDED, MODIFIED or DELETED; the pods that exist already are ADDED at first."""

    kind: str
    pod: Manifest


class PodWatch:
    """A watch of pods. ``with`` ends it."""

    def __init__(self, kubectl: Kubectl, names: InstanceNames) -> None:
        self._kubectl = kubectl
        self._process: Popen[bytes] = kubectl.start(
            "get", "pods", "--namespace", names.namespace, "--selector", names.selector,
            "--watch", "--output-watch-events", "--output", "json",
        )  # fmt: skip
        self._rest = ""

    def __enter__(self) -> PodWatch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End kubectl."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream:
                stream.close()

    def events(self, seconds: float) -> Iterator[PodEvent]:
        """Yield the events of some time; it ends then, and can be called again.

        Args:
            seconds: How long to wait for events.

        Raises:
            EOFError: The stream has ended, as API servers end long ones.
            PreflightFailed: The API server does not answer, or a right is missing.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            out = self._process.stdout
            if out is None or not select.select([out], [], [], min(left, TICK))[0]:
                if out is not None and left <= TICK:
                    return
                continue
            chunk = os.read(out.fileno(), _CHUNK)
            if not chunk:
                self._raise_end()
            yield from self._parsed(chunk.decode(errors="replace"))

    def _raise_end(self) -> None:
        words = self._process.stderr.read().decode(errors="replace") if self._process.stderr else ""
        if self._process.wait() and words.strip():
            raise kubectl_errors.translated(words, self._kubectl.context)
        raise EOFError("the watch has ended")

    def _parsed(self, text: str) -> Iterator[PodEvent]:
        self._rest = (self._rest + text).lstrip()
        decoder = json.JSONDecoder()
        while self._rest:
            try:
                event, end = decoder.raw_decode(self._rest)
            except json.JSONDecodeError:
                return  # the rest is on its way
            self._rest = self._rest[end:].lstrip()
            found: Any = event
            yield PodEvent(kind=found["type"], pod=found["object"])
