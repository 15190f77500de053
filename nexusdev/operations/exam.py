"""Files of components are checked before anything starts: read here, and tried by the program that will read them.

What was found good is remembered by its hash, so that an ``up`` that changes nothing reads and tries nothing.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from nexusdev import __version__
from nexusdev.components.contract import Checking, Component, Trial
from nexusdev.operations import journal
from nexusdev.runtimes.image_door import Furniture, ImageDoor
from nexusdev.stack.model import Stack

_FOLDER, _USER = "/tmp", "10001"  # noqa: S108 - the container's
_READABLE = 0o644


class Exam(Struct, kw_only=True):
    """What is still to be tried. ``print``: a hash over everything that is looked at; ``root``: folder of all instances' state."""

    instance: str
    root: Path
    print: str = ""
    trials: tuple[Trial, ...] = ()
    _passed: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hold(self, reference: str, door: ImageDoor) -> None:
        """This image is there: try what waits for it, once. Raises what the trial found."""
        with self._lock:
            for number, trial in enumerate(self.trials):
                name = f"nexusdev-check-{self.instance}-{number}"
                if trial.image == reference and name not in self._passed:
                    _try(trial, door, name)
                    self._passed.add(name)
            if self.print and len(self._passed) == len(self.trials):
                journal.write_checked(self.root, self.print)


def examine(components: Collection[Component], stack: Stack, *, instance: str, root: Path) -> Exam:
    """Read the files of these components, unless they were found good as they are. Raises InvalidConfig with file and line."""
    checking = [each for each in components if isinstance(each, Checking)]
    services = {each.name: stack.of_component(each.name) for each in components}
    files = [file for each in checking for file in each.files(services[each.name])]
    if not files:
        return Exam(instance=instance, root=root)
    trials = tuple(trial for each in checking for trial in each.trials(services[each.name]))
    print_ = _print(files, [trial.image for trial in trials])
    if journal.read_checked(root) == print_:
        return Exam(instance=instance, root=root)
    for each in checking:
        each.check(services[each.name])
    return Exam(instance=instance, root=root, print=print_, trials=trials)


def _print(files: Sequence[Path], images: Sequence[str]) -> str:
    whole = hashlib.sha256(repr((__version__, images)).encode())
    for file in files:
        whole.update(repr((str(file), hashlib.sha256(file.read_bytes()).hexdigest())).encode())
    return whole.hexdigest()


def _try(trial: Trial, door: ImageDoor, name: str) -> None:
    said: list[str] = []
    workshop = door.open_workshop(trial.image, name=name, furniture=Furniture())
    try:
        workshop.put(_packed(trial.files), _FOLDER)
        code = workshop.run(trial.script, user=_USER, folder=_FOLDER, environment={}, say=said.append)
    finally:
        workshop.close()
    if error := trial.judge(code, said):
        raise error


def _packed(files: Mapping[str, Path]) -> bytes:
    import io
    import tarfile

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, file in files.items():
            content, member = file.read_bytes(), tarfile.TarInfo(name)
            member.size, member.mode = len(content), _READABLE
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
