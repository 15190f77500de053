"""Starts and ends the process of a forward, and tells how it is."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import nexusdev
from nexusdev.errors import PreflightFailed
from nexusdev.runtimes.kubernetes.forward.files import (
    CONNECTED,
    FAILED,
    ForwardConfig,
    ForwardFiles,
    ForwardStatus,
)
from nexusdev.util.files import make_folder
from nexusdev.util.files import replace as replace_file

_LISTENS = 20.0  # seconds until the process listens; a busy machine takes some
_CONNECTS = 40.0
_ENDS = 10.0
_TICK = 0.05
_LARGEST_LOG = 1_000_000  # bytes


class ForwardControl(Protocol):
    """The forward of one instance."""

    def status(self) -> ForwardStatus | None:
        """Return how it is; None if it does not run."""

    def config(self) -> ForwardConfig | None:
        """Return what it was started with."""

    def start(self, config: ForwardConfig) -> ForwardStatus:
        """Start it, or start it again with another config, and wait a while until it is connected.

        Raises:
            PreflightFailed: It does not start.
        """

    def stop(self) -> None:
        """End it. One that does not run is no error."""


class ForwardProcess:
    """``ForwardControl`` by a process of its own, which outlives the command that started it."""

    def __init__(self, folder: Path, *, connects: float = _CONNECTS) -> None:
        """Remember where its files are.

        Args:
            folder: The folder.
            connects: Seconds to wait until it is connected. Later it goes on trying by itself.
        """
        self._files = ForwardFiles(folder)
        self._connects = connects

    def status(self) -> ForwardStatus | None:
        return self._files.read_status() if self._files.is_running() else None

    def config(self) -> ForwardConfig | None:
        return self._files.read_config()

    def start(self, config: ForwardConfig) -> ForwardStatus:
        self.stop()
        make_folder(self._files.folder)
        self._files.status.unlink(missing_ok=True)
        replace_file(self._files.config, config.text())
        process = self._launch()
        status = self._until(lambda each: each.phase != "", _LISTENS, process)
        if status.phase == "":
            raise PreflightFailed(
                "the forward to the cluster does not start",
                why=self._last_words() or f"it did not listen within {_LISTENS:g} s",
                hint=f"less {self._files.log}",
                code="FORWARD_FAILED",
            )
        return self._until(lambda each: each.phase in (CONNECTED, FAILED), self._connects, process)

    def stop(self) -> None:
        pid = self._files.read_status().pid
        self._files.config.unlink(missing_ok=True)  # it ends by itself, should the signal not reach it
        deadline = time.monotonic() + _ENDS
        asked = 0.0
        while self._files.is_running() and time.monotonic() < deadline:
            if pid and time.monotonic() - asked > 1.0:
                asked = time.monotonic()
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGTERM)
            time.sleep(_TICK)

    def _launch(self) -> subprocess.Popen[bytes]:
        package = Path(nexusdev.__file__).resolve().parents[1]
        log = self._files.log
        if log.exists() and log.stat().st_size > _LARGEST_LOG:
            log.unlink()
        with log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "nexusdev.runtimes.kubernetes.forward", str(self._files.folder)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env={**os.environ, "PYTHONPATH": str(package)},
                start_new_session=True,
            )

    def _until(
        self, done: Callable[[ForwardStatus], bool], seconds: float, process: subprocess.Popen[bytes]
    ) -> ForwardStatus:
        deadline = time.monotonic() + seconds
        while not done(status := self._files.read_status()) and time.monotonic() < deadline and process.poll() is None:
            time.sleep(_TICK)
        return self._files.read_status() if process.poll() is not None else status

    def _last_words(self) -> str:
        try:
            lines = self._files.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except FileNotFoundError:
            return ""
        return lines[-1] if lines else ""
