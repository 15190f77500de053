"""A small lock with its build folders, and what is needed to let its images arrive in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from nexusdev.events import Event, ImageProgress
from nexusdev.images.images import Images
from nexusdev.images.lockfile import load
from nexusdev.runtimes.image_store import Say
from nexusdev.runtimes.memory.images import MemoryBuildContainer, MemoryImages, OnRun

LOCK = """
schema: 1
images:
  base:
    version: "13"
    internal: true
    sources:
      - registry: docker.io/library/debian:trixie-slim
        digest: null
        why: a test
  builder:
    version: "1"
    internal: true
    sources:
      - build: builder
  cache:
    version: "8"
    programs: [server]
    sources:
      - build: cache
  store:
    version: "2"
    sources:
      - build: store
        cache: go-cache
"""
CHILD = "ARG BASE=nexusdev/base:local\nFROM ${BASE}\nUSER 0\nRUN install %s\nUSER 10001:10001\n"
COMPILED = (
    "ARG BUILDER=nexusdev/builder:local\nARG BASE=nexusdev/base:local\n"
    "FROM ${BUILDER} AS build\nWORKDIR /src\nCOPY go.mod ./\nRUN compile store\n"
    "FROM ${BASE}\nCOPY --from=build /out/store /usr/local/bin/\nUSER 10001:10001\n"
)


@dataclass
class Heard:
    """A listener that keeps what it was told."""

    events: list[Event] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        self.events.append(event)

    @property
    def done(self) -> list[str]:
        return [each.image for each in self.events if isinstance(each, ImageProgress) and each.done]


def compiled(container: MemoryBuildContainer, script: str, say: Say) -> int:
    """Every command succeeds; `compile` leaves its program."""
    if script.startswith("compile"):
        container.files["/out/store"] = b"binary"
    return 0


def write_lock(folder: Path, text: str = LOCK) -> Path:
    for name in ("builder", "cache"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "Dockerfile").write_text(CHILD % name)
    (folder / "store").mkdir(exist_ok=True)
    (folder / "store" / "Dockerfile").write_text(COMPILED)
    (folder / "store" / "go.mod").write_text("module store\n")
    file = folder / "images.lock.yaml"
    file.write_text(text)
    return file


def make_images(folder: Path, store: MemoryImages, *, lock: str = LOCK, **environ: str) -> Images:
    read = load(write_lock(folder / "compose", lock))
    return Images(lock=read, connect=lambda: store, root=folder / "state", environ=environ, cores=2)


def registry(on_run: OnRun = compiled) -> MemoryImages:
    """An empty store, and a registry that has Debian."""
    return MemoryImages(published={"docker.io/library/debian:trixie-slim": "sha256:" + "a" * 64}, on_run=on_run)
