"""Builds one image: runs each stage of its Dockerfile in its own container, or debootstrap for Debian itself."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

from msgspec import Struct, field

from nexusdev.errors import ImageUnavailable
from nexusdev.images.build_log import BuildLog
from nexusdev.images.builder.dockerfile import Copy, RunInstruction, Set, Stage, parse
from nexusdev.images.builder.host import CACHE_LABELS, Host
from nexusdev.images.lockfile import Build, Debootstrap, LockedImage
from nexusdev.runtimes.image_store import IMAGE_LABEL, BuildContainer, ImageStore, StoredImage

VERSION_LABEL = "org.opencontainers.image.version"
_ATTEMPTS = 3
# Messages of Go, apt and their TLS for an interrupted connection.
_CUT = re.compile(
    r"timed out|i/o timeout|handshake timeout|connection reset|unexpected EOF|dial tcp|connection refused"
    r"|Temporary failure|Could not (connect|resolve)|Connection failed|Unable to connect|50[234] \w+",
    re.IGNORECASE,
)
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class SourceUnavailable(Exception):
    """A source cannot deliver the image; the message says why. The next source is tried."""


class ImageBuilder(Struct, frozen=True, kw_only=True):
    """Builds images on this machine.

    Attributes:
        references: Name → tag in the store.
        opened: Called with every build container, so that another thread can close it.
    """

    store: ImageStore
    host: Host
    references: Mapping[str, str]
    opened: Callable[[BuildContainer], None] = field(default=lambda _: None)

    def build(self, image: LockedImage, source: Build, log: BuildLog) -> StoredImage:
        """Execute a Dockerfile. Its parents must be in the store.

        Args:
            image: The image.
            source: The folder of the Dockerfile.
            log: Receives the steps and the output.

        Returns:
            The built image.

        Raises:
            SourceUnavailable: The build failed.
        """
        recipe = parse(source.folder / "Dockerfile")
        if source.cache:
            self.store.make_volume(source.cache, CACHE_LABELS)
        with ExitStack() as stack:
            finished: dict[str, BuildContainer] = {}
            for stage in recipe.stages[:-1]:
                container = stack.enter_context(self._stage_container(image, stage, source.cache))
                self._perform(stage, container, source.folder, finished, log)
                finished[stage.name] = container
            last = recipe.stages[-1]
            container = stack.enter_context(self._stage_container(image, last, ""))
            state = self._perform(last, container, source.folder, finished, log)
            prove(image, container, log, environment=state.environment, by_version=True)
            log.step("commit")
            return container.commit(self.references[image.name], state.changes, self.labels(image))

    def debootstrap(self, image: LockedImage, source: Debootstrap, log: BuildLog) -> StoredImage:
        """Create Debian's root file system with the host's own tools, as root. Raises SourceUnavailable."""
        with tempfile.TemporaryDirectory(prefix="nexusdev-debian-", ignore_cleanup_errors=True) as folder:
            _debootstrap(source.folder / "make", Path(folder), self.host.mirror(), log)
            log.step("import")
            changes = [f'ENV PATH="{_PATH}"', 'CMD ["bash"]', *_label_lines(self.labels(image))]
            return self.store.import_root(Path(folder) / "rootfs.tar", self.references[image.name], changes)

    def labels(self, image: LockedImage) -> Mapping[str, str]:
        """Return the labels of an image: its tag without the repository, which detects a retagged image."""
        return {IMAGE_LABEL: self.references[image.name].rpartition("/")[2], VERSION_LABEL: image.version}

    @contextlib.contextmanager
    def container(self, reference: str, name: str, cache: str = "") -> Iterator[BuildContainer]:
        """Yield a build container that is closed in the end.

        Args:
            reference: Reference of its image.
            name: Its name.
            cache: Volume that is mounted at /cache; '' for none.
        """
        container = self.store.create_build_container(
            reference, name=f"nexusdev-build-{name}", mounts=self.host.mounts(cache)
        )
        self.opened(container)
        try:
            yield container
        finally:
            container.close()

    def _stage_container(
        self, image: LockedImage, stage: Stage, cache: str
    ) -> contextlib.AbstractContextManager[BuildContainer]:
        name = f"{image.name}-{stage.name}" if stage.name else image.name
        return self.container(self.references[stage.parent], name, cache)

    def _perform(
        self,
        stage: Stage,
        container: BuildContainer,
        folder: Path,
        finished: Mapping[str, BuildContainer],
        log: BuildLog,
    ) -> _StageState:
        parent = self.store.find(self.references[stage.parent])
        state = _StageState(user=(parent.user if parent else "") or "0")
        for instruction in stage.instructions:
            match instruction:
                case Set():
                    state.take(instruction)
                    _make_folder(instruction, container)
                case Copy():
                    log.step(str(instruction))
                    _copy(instruction, container, folder, finished, state.folder)
                case RunInstruction():
                    log.step(str(instruction))
                    _run(instruction.script, container, state, log)
        return state


class _StageState(Struct, kw_only=True):
    """The state after the instructions so far."""

    user: str
    folder: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    entrypoint: str = ""

    def take(self, instruction: Set) -> None:
        match instruction.what:
            case "ENV":
                self.environment[instruction.name] = instruction.value
            case "USER":
                self.user = instruction.value
            case "ENTRYPOINT":
                self.entrypoint = instruction.value
            case _:
                self.folder = instruction.value

    @property
    def changes(self) -> list[str]:
        """Return the image's configuration, as lines of a Dockerfile."""
        variables = [f'ENV {name}="{value}"' for name, value in self.environment.items()]
        started = [f"ENTRYPOINT {self.entrypoint}", "CMD []"] if self.entrypoint else ['CMD ["bash"]']
        return [*variables, f"USER {self.user}", f"WORKDIR {self.folder}", *started]


def prove(
    image: LockedImage,
    container: BuildContainer,
    log: BuildLog,
    *,
    environment: Mapping[str, str] | None = None,
    by_version: bool = False,
) -> None:
    """Check the programs of an image and its version.

    Args:
        image: The image, with its programs and its ``check`` command.
        container: A build container of the image.
        log: Receives the output.
        environment: Variables of the commands; None for none.
        by_version: Whether to run ``check`` too.

    Raises:
        SourceUnavailable: A program is missing, or ``check`` reports another version than the lockfile.
    """
    missing: list[str] = []
    script = f"for each in {' '.join(image.programs)}; do command -v $each >/dev/null || echo $each; done"
    settings: Mapping[str, str] = environment or {}
    container.run(script, user="10001", folder="/", environment=settings, say=missing.append)
    if missing:
        raise SourceUnavailable(f"programs missing in the image: {', '.join(missing)}")
    if not (by_version and image.check):
        return
    output: list[str] = []
    container.run(image.check, user="10001", folder="/", environment={"HOME": "/tmp", **settings}, say=output.append)  # noqa: S108 - the container's
    log.line("\n".join(output))
    if not re.search(rf"(?<!\d)(?<!\d\.){re.escape(image.version)}(?!\d)", "\n".join(output)):
        raise SourceUnavailable(
            f"{image.check!r} reports a version other than {image.version}: {' '.join(output)[:200]}"
        )


def _run(script: str, container: BuildContainer, state: _StageState, log: BuildLog) -> None:
    def attempt() -> int:
        return container.run(script, user=state.user, folder=state.folder, environment=state.environment, say=log.line)

    code = attempt()
    for _ in range(_ATTEMPTS - 1):
        if code <= 0 or not _network_failed(log.tail):
            break
        log.step("network error: retrying")
        code = attempt()
    if code:
        raise SourceUnavailable(f"a step ended with exit code {code}" if code > 0 else "canceled")


def _network_failed(lines: Sequence[str]) -> bool:
    """Return whether the last lines of a failed step report an interrupted download. A retry reuses what was downloaded."""
    return any(_CUT.search(line) for line in lines)


def _make_folder(instruction: Set, container: BuildContainer) -> None:
    if instruction.what == "WORKDIR" and instruction.value != "/":
        container.run(f"mkdir -p {instruction.value}", user="0", folder="/", environment={}, say=lambda _: None)


def _copy(
    instruction: Copy, container: BuildContainer, folder: Path, finished: Mapping[str, BuildContainer], here: str
) -> None:
    target = str(PurePosixPath(here) / instruction.target)
    container.run(f"mkdir -p {target}", user="0", folder="/", environment={}, say=lambda _: None)
    if instruction.stage:
        for file in instruction.files:
            container.put(finished[instruction.stage].get(file), target)
    else:
        container.put(_packed(folder, instruction.files), target)


def _packed(folder: Path, files: tuple[str, ...]) -> bytes:
    """Return a tar that is identical for identical content: owner root, mode 0644, without times."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in files:
            content = (folder / name).read_bytes()
            member = tarfile.TarInfo(PurePosixPath(name).name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _label_lines(labels: Mapping[str, str]) -> list[str]:
    return [f'LABEL "{name}"="{value}"' for name, value in labels.items()]


def _debootstrap(script: Path, folder: Path, mirror: str, log: BuildLog) -> None:
    _need_debootstrap(log)
    log.step("debootstrap trixie")
    argv = ["sh", str(script), str(folder), *([mirror] if mirror else [])]
    _host_command(argv, log)


def _need_debootstrap(log: BuildLog) -> None:
    import os

    if os.geteuid() != 0:
        raise SourceUnavailable("debootstrap needs root, and nexusdev is not running as root")
    if shutil.which("debootstrap"):
        return
    if not shutil.which("apt-get"):
        raise SourceUnavailable("debootstrap is not installed, and apt is not available to install it")
    log.step("apt-get install debootstrap (on this machine)")
    with contextlib.suppress(SourceUnavailable):
        _host_command(["apt-get", "update", "-qq"], log)
    _host_command(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "debootstrap"], log)


def _host_command(argv: list[str], log: BuildLog) -> None:
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        for line in process.stdout:
            log.line(line.decode(errors="replace").rstrip())
    if process.returncode:
        raise SourceUnavailable(f"{argv[0]} ended with exit code {process.returncode}")


def unavailable(image: LockedImage, reasons: list[str], log: BuildLog) -> ImageUnavailable:
    """Return the error for an image that no source delivered: why each source failed, the last lines, and the log.

    Args:
        image: The image.
        reasons: The failure of each source.
        log: The log of the build.
    """
    return ImageUnavailable(
        f"image {image.name} {image.version} is not available from any of its sources",
        why="; ".join(reasons),
        hint=f"less {log.file}    then: nexusdev images build {image.name}",
        evidence=[*log.tail, f"log: {log.file}"],
    )
