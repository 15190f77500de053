"""Finds kind and kubectl: on the PATH, if their versions fit, else in images of this installation."""

from __future__ import annotations

import contextlib
import io
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from nexusdev.errors import ImageUnavailable, PreflightFailed, RuntimeSlow
from nexusdev.runtimes.image_store import BuildMounts, ImageStore
from nexusdev.runtimes.kind.commands import ProgramRunner
from nexusdev.runtimes.kind.versions import ProgramVersion, kind_problem, kubectl_problem, parse
from nexusdev.util.files import make_folder

_QUICK = 30.0
_VERSION_ARGUMENTS = {"kind": ("version",), "kubectl": ("version", "--client")}


class Tool(Struct, frozen=True, kw_only=True):
    """A program that was found.

    Attributes:
        path: The file.
        version: What it says.
        origin: 'PATH', or the image that it was taken from.
    """

    path: Path
    version: ProgramVersion
    origin: str


class Tools(Struct, frozen=True, kw_only=True):
    """The programs of this machine.

    Attributes:
        which: Finds a program on the PATH; None if there is none.
        folder: Where programs that were taken out of images are kept, one folder per image.
    """

    commands: ProgramRunner
    store: Callable[[], ImageStore]
    folder: Path
    which: Callable[[str], str | None] = shutil.which

    def kind(self, image: str) -> Tool:
        """Return kind.

        Args:
            image: The image of kind, for a machine without a fitting one.

        Raises:
            PreflightFailed: There is none (KIND_MISSING).
        """
        return self._find("kind", image, "/usr/local/bin/kind", kind_problem)

    def kubectl(self, image: str, cluster: ProgramVersion) -> Tool:
        """Return kubectl.

        Args:
            image: The node image, which contains one.
            cluster: The version of Kubernetes that it has to speak with.

        Raises:
            PreflightFailed: There is none (KUBECTL_MISSING).
        """
        return self._find("kubectl", image, "/usr/bin/kubectl", lambda version: kubectl_problem(version, cluster))

    def _find(self, name: str, image: str, inside: str, problem: Callable[[ProgramVersion | None], str]) -> Tool:
        reasons: list[str] = []
        for path, origin in self._candidates(name, image, inside, reasons):
            version = version_of(self.commands, name, str(path))
            if version and not problem(version):
                return Tool(path=path, version=version, origin=origin)
            reasons.append(f"{path}: {problem(version)}")
        raise _missing(name, image, reasons)

    def _candidates(self, name: str, image: str, inside: str, reasons: list[str]) -> Iterator[tuple[Path, str]]:
        if found := self.which(name):
            yield Path(found), "PATH"
        else:
            reasons.append("it is not on the PATH")
        try:
            yield self._taken_out(name, image, inside), image
        except ImageUnavailable as error:
            reasons.append(error.message)

    def _taken_out(self, name: str, image: str, inside: str) -> Path:
        """Return a program of an image, which is copied once per image."""
        found = self.store().find(image)
        if found is None:
            raise ImageUnavailable(f"the image {image} is not in the engine")
        target = self.folder / found.id.removeprefix("sha256:")[:12] / name
        if not target.exists():
            make_folder(target.parent)
            new = target.with_suffix(".new")
            new.write_bytes(file_of(self.store(), image, inside))
            new.chmod(0o755)
            new.replace(target)
        return target


def version_of(commands: ProgramRunner, name: str, path: str) -> ProgramVersion | None:
    """Return the version of kind or kubectl; None if it does not tell.

    Args:
        commands: Runs it.
        name: Its name.
        path: The file.
    """
    with contextlib.suppress(PreflightFailed, RuntimeSlow, OSError):
        done = commands.run([path, *_VERSION_ARGUMENTS[name]], timeout=_QUICK)
        return parse(done.output.decode(errors="replace")) if not done.code else None
    return None


def file_of(store: ImageStore, image: str, path: str) -> bytes:
    """Return the content of a file of an image.

    Args:
        store: The store that has the image.
        image: Its reference.
        path: The file.
    """
    name = f"nexusdev-build-copy-{path.strip('/').replace('/', '-')}"
    container = store.create_build_container(image, name=name, mounts=BuildMounts())
    try:
        archive = b"".join(container.get(path))
    finally:
        container.close()
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        member = next(each for each in opened if each.isfile())
        content = opened.extractfile(member)
        assert content is not None  # noqa: S101 - it is a file
        return content.read()


def _missing(name: str, image: str, reasons: list[str]) -> PreflightFailed:
    return PreflightFailed(
        f"no {name} that can be used was found",
        why="; ".join(reasons),
        hint=f"nexusdev images build {image.rpartition('/')[2].partition(':')[0]}   builds it\nhttps://kind.sigs.k8s.io/docs/user/quick-start/#installation",
        code="KIND_MISSING" if name == "kind" else "KUBECTL_MISSING",
    )
