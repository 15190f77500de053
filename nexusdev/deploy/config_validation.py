"""Validates the config files of components before anything starts, with the programs that will read them.

Valid files are recorded by their hash, so that an ``up`` without changes checks nothing.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from nexusdev import __version__
from nexusdev.components.capabilities import ImageCheck, ValidatesConfig
from nexusdev.components.contract import Component
from nexusdev.deploy import last_up
from nexusdev.runtimes.image_store import BuildMounts, ImageStore
from nexusdev.stack.model import Stack

_FOLDER, _USER = "/tmp", "10001"  # noqa: S108 - the container's
_READABLE = 0o644


class ConfigValidation(Struct, kw_only=True):
    """The pending checks of config files.

    Attributes:
        fingerprint: Hash over everything that is checked.
        root: Folder of the state of all instances.
    """

    instance: str
    root: Path
    fingerprint: str = ""
    image_checks: tuple[ImageCheck, ...] = ()
    _passed: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run_for_image(self, reference: str, store: ImageStore) -> None:
        """Run the checks that need this image, each once. The image must exist.

        Args:
            reference: Reference of the image.
            store: Creates the containers of the checks.

        Raises:
            InvalidConfig: A file is invalid.
        """
        with self._lock:
            for number, check in enumerate(self.image_checks):
                name = f"nexusdev-check-{self.instance}-{number}"
                if check.image == reference and name not in self._passed:
                    _try(check, store, name)
                    self._passed.add(name)
            if self.fingerprint and len(self._passed) == len(self.image_checks):
                last_up.write_checked(self.root, self.fingerprint)


def validate_configs(components: Collection[Component], stack: Stack, *, instance: str, root: Path) -> ConfigValidation:
    """Check the config files of these components. Files that were valid before and have not changed are not checked again.

    Args:
        components: The components.
        stack: The stack, which names their files.
        instance: The name of the instance, used in the names of the containers that run checks.
        root: The folder of all instances, which records the valid files.

    Returns:
        The pending checks, which need an image.

    Raises:
        InvalidConfig: A file is invalid; the error has file and line.
    """
    checking = [each for each in components if isinstance(each, ValidatesConfig)]
    services = {each.name: stack.of_component(each.name) for each in components}
    files = [file for each in checking for file in each.files(services[each.name])]
    if not files:
        return ConfigValidation(instance=instance, root=root)
    image_checks = tuple(check for each in checking for check in each.image_checks(services[each.name]))
    fingerprint = _fingerprint(files, [check.image for check in image_checks])
    if last_up.read_checked(root) == fingerprint:
        return ConfigValidation(instance=instance, root=root)
    for each in checking:
        each.check(services[each.name])
    return ConfigValidation(instance=instance, root=root, fingerprint=fingerprint, image_checks=image_checks)


def _fingerprint(files: Sequence[Path], images: Sequence[str]) -> str:
    whole = hashlib.sha256(repr((__version__, images)).encode())
    for file in files:
        whole.update(repr((str(file), hashlib.sha256(file.read_bytes()).hexdigest())).encode())
    return whole.hexdigest()


def _try(check: ImageCheck, store: ImageStore, name: str) -> None:
    output: list[str] = []
    container = store.create_build_container(check.image, name=name, mounts=BuildMounts())
    try:
        container.put(_packed(check.files), _FOLDER)
        code = container.run(check.script, user=_USER, folder=_FOLDER, environment={}, say=output.append)
    finally:
        container.close()
    if error := check.interpret(code, output):
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
