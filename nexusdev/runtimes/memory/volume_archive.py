"""Volumes of an engine in memory as tar streams."""

from __future__ import annotations

import contextlib
import io
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import IO

from msgspec import Struct

from nexusdev.runtimes import shared_errors
from nexusdev.runtimes.docker import docker_errors
from nexusdev.runtimes.memory.engine import ALIVE, FakeEngine, FakeVolume


class MemoryVolumeCopy(Struct, frozen=True, kw_only=True):
    """``interfaces.VolumeCopy``: archives by volume."""

    archives: Mapping[str, bytes]

    @property
    def size(self) -> int:
        return sum(len(each) for each in self.archives.values())

    def export(self, volume: str, stream: IO[bytes]) -> None:
        stream.write(self.archives[volume] or _empty())


class MemoryVolumes(Struct, frozen=True, kw_only=True):
    """``interfaces.VolumeArchive`` over a FakeEngine."""

    project: str
    instance: str
    engine: FakeEngine

    def export(self, volume: str, stream: IO[bytes]) -> None:
        stream.write(self._own(volume).archive or _empty())

    def import_(self, volume: str, stream: IO[bytes]) -> None:
        found = self._own(volume)
        full_name = f"{self.project}_{volume}"
        users = [
            each.service
            for each in self.engine.containers.values()
            if each.state in ALIVE and full_name in each.volumes
        ]
        if users:
            raise shared_errors.volume_has_users(volume, users)
        found.archive = stream.read()

    def create(self, volume: str) -> None:
        full_name = f"{self.project}_{volume}"
        with self.engine.lock:
            made = FakeVolume(name=volume, instance=self.instance)
            self.engine.volumes.setdefault(full_name, made)
        self._own(volume)

    def free(self, volume: str) -> int:
        self._own(volume)
        return self.engine.free

    @contextlib.contextmanager
    def copy(
        self, volumes: Sequence[str], *, hold: Callable[[], AbstractContextManager[object]]
    ) -> Iterator[MemoryVolumeCopy]:
        own = {volume: self._own(volume) for volume in volumes}
        needed = sum(len(each.archive) for each in own.values())
        if needed > self.engine.free:
            raise shared_errors.no_room_for_copy(needed, self.engine.free)
        with hold():
            copied = {volume: each.archive for volume, each in own.items()}
        yield MemoryVolumeCopy(archives=copied)

    def _own(self, volume: str) -> FakeVolume:
        full_name = f"{self.project}_{volume}"
        found = self.engine.volumes.get(full_name)
        if found is None:
            raise shared_errors.no_volume(volume)
        if found.instance != self.instance:
            raise docker_errors.not_ours("volume", full_name)
        return found


def _empty() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w"):
        pass
    return packed.getvalue()
