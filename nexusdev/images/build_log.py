"""Records the progress of one image: events for listeners, a log file, and its last lines for errors."""

from __future__ import annotations

import threading
import time
from collections import deque
from pathlib import Path

from nexusdev.events import ImageProgress, Listener
from nexusdev.util.files import keep_owner, make_folder

SHOWN = 15
_STEP_WIDTH = 72


class BuildLog:
    """The log of one image build. The file is created when the build begins; an image that exists already has none."""

    def __init__(self, image: str, *, file: Path, listener: Listener) -> None:
        self.image = image
        self.file = file
        self._listener = listener
        self._last: deque[str] = deque(maxlen=SHOWN)
        self._began = time.monotonic()
        self._opened = False
        self._lock = threading.Lock()

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines of the output."""
        return tuple(self._last)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._began

    def begin(self) -> None:
        """Start the clock. The waits for parents and for a build slot are over."""
        self._began = time.monotonic()

    def step(self, words: str) -> None:
        """Begin the next step."""
        self.line(f"--- {words}")
        self._listener.tell(ImageProgress(image=self.image, step=shortened(words), elapsed=self.elapsed))

    def done(self, words: str) -> None:
        """Record that the image is available."""
        self.line(f"--- {words} after {self.elapsed:.1f} s")
        self._listener.tell(ImageProgress(image=self.image, step=words, elapsed=self.elapsed, done=True))

    def given_up(self) -> None:
        """Record that no source had the image. The error that follows says why."""
        self._listener.tell(
            ImageProgress(image=self.image, step="not available from any source", elapsed=self.elapsed, done=True)
        )

    def line(self, text: str) -> None:
        """Add one line of output."""
        with self._lock:
            self._last.append(text)
            make_folder(self.file.parent)
            with self.file.open("a" if self._opened else "w", encoding="utf-8") as log:
                log.write(f"{text}\n")
            keep_owner(self.file)
            self._opened = True


def shortened(words: str) -> str:
    """Return a step as one short line."""
    return words if len(words) <= _STEP_WIDTH else f"{words[: _STEP_WIDTH - 1].rstrip()}…"
