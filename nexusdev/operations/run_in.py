"""run --in: runs a one-off container on the instance's network, with the proven variables and the CA."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from msgspec import Struct

from nexusdev.context import Context
from nexusdev.errors import ImageUnavailable, NotFound, PreflightFailed, UsageError
from nexusdev.events import Note
from nexusdev.instance.instance import Instance
from nexusdev.interfaces import BindMount, Completed, OneOff, Runtime, View
from nexusdev.operations.env import values_for_run
from nexusdev.util import lock
from nexusdev.util.home import current_folder, expanded

_MODES = {"": False, "rw": False, "ro": True}
_MOUNT = "nexusdev run --in IMAGE -v ./src:/src -- COMMAND"


class OneOffCall(Struct, frozen=True, kw_only=True):
    """A one-off container and the runtime that runs it.

    Attributes:
        lock_file: Locked while the container runs: a container whose file is not locked was left behind.
        reads_stdin: Always True, because only the image determines whether its command reads standard input.
    """

    runtime: Runtime
    one_off: OneOff
    instance: str
    lock_file: Path
    reads_stdin: bool = True

    def attach(self, stdin: IO[bytes] | None, stdout: IO[bytes], stderr: IO[bytes], *, tty: bool) -> int:
        """Run the container with these streams.

        Returns:
            The exit code of its command.
        """
        left_behind = False
        command = f"nexusdev run --in {self.one_off.image}"
        with lock.hold(self.lock_file, subject=f"container {self.one_off.name}", command=command):
            try:
                return self.runtime.run_one_off(self.one_off, stdin=stdin, stdout=stdout, stderr=stderr, tty=tty)
            except PreflightFailed:
                left_behind = True  # the engine is unreachable and may still have the container
                raise
            finally:
                if not left_behind:
                    self.lock_file.unlink(missing_ok=True)

    def collect(self, stdin: bytes | None) -> Completed:
        """Run the container and return its output."""
        stdout, stderr = io.BytesIO(), io.BytesIO()
        code = self.attach(io.BytesIO(stdin) if stdin is not None else None, stdout, stderr, tty=False)
        return Completed(exit_code=code, stdout=stdout.getvalue(), stderr=stderr.getvalue())


def in_container(
    context: Context,
    image: str,
    argv: Sequence[str],
    *,
    volumes: Sequence[str] = (),
    working_dir: str = "",
    user: str = "",
    proof: bool = True,
    change: Callable[[Mapping[str, str]], Mapping[str, str]] = dict,
) -> OneOffCall:
    """Return the one-off container to run, after the variables are proven and the image is available.

    Args:
        context: The context of the command.
        image: Its reference; without a tag, ``latest``. Pulled if the engine does not have it.
        argv: The command; empty for the image's own.
        volumes: ``SOURCE:TARGET[:ro]``, each a file or folder of the host.
        working_dir: The command's working directory; '' for the image's own.
        user: The command's user, as ``uid[:gid]`` or a name in the image; '' for the image's own.
        proof: False to use the stored variables without a proof.
        change: Replaces values after the proof.

    Raises:
        UsageError: A volume has an invalid format.
        NotFound: A source does not exist, or the instance does not run.
        ImageUnavailable: The engine does not have the image, and it cannot be pulled.
    """
    mounts = tuple(_mount(each) for each in volumes)
    instance = context.instance()
    values = change(values_for_run(context, proof=proof, view=View.CONTAINER))
    reference = image if ":" in image.rpartition("/")[2] or "@" in image else f"{image}:latest"
    _require_image(context, reference)
    runtime = context.runtime(owner=instance.owner)
    one_off = OneOff(
        name=f"{instance.compose_project}-run-{secrets.token_hex(4)}",
        image=reference,
        argv=tuple(argv),
        environment=values,
        mounts=(_client_files(instance, runtime), *mounts),
        working_dir=working_dir,
        user=user,
    )
    return OneOffCall(
        runtime=runtime, one_off=one_off, instance=instance.name, lock_file=lock_file(instance.folder, one_off.name)
    )


def lock_file(folder: Path, name: str) -> Path:
    """Return the file that is locked while this one-off container runs. ``folder``: the state folder of its instance."""
    return folder / "runs" / f"{name}.lock"


def _mount(words: str) -> BindMount:
    source, _, rest = words.partition(":")
    target, _, mode = rest.partition(":")
    if not source or not target.startswith("/") or mode not in _MODES:
        raise UsageError(
            f"invalid -v {words}: use SOURCE:TARGET, SOURCE:TARGET:ro or SOURCE:TARGET:rw, with an absolute TARGET",
            why="for verbose output, put -v before the command: nexusdev -v run" if ":" not in words else "",
            hint=_MOUNT,
        )
    if "/" not in source and source not in {".", ".."}:
        raise UsageError(f"-v {words} names a volume", why="only files and folders can be mounted", hint=_MOUNT)
    place = expanded(source)
    found = (place if place.is_absolute() else current_folder() / place).resolve()
    if not found.exists():
        raise NotFound(
            f"-v {words}: {found} does not exist", why="the container would get an empty folder", hint=_MOUNT
        )
    return BindMount(source=found, target=target, read_only=_MODES[mode])


def _client_files(instance: Instance, runtime: Runtime) -> BindMount:
    """Return the mount of the CA, the bundle and the trust stores at the paths of the container view."""
    source = instance.client_folder / View.CONTAINER.value
    return BindMount(source=source, target=runtime.client_folder(View.CONTAINER), read_only=True)


def _require_image(context: Context, reference: str) -> None:
    store = context.images().store
    if store.find(reference) is None:
        if context.settings.offline:
            raise ImageUnavailable(
                f"image {reference} is not in the image store", why="nothing is pulled because offline is set"
            )
        context.listener.tell(Note(text=f"pulling {reference}"))
        store.pull(reference, None, lambda _line: None)
    context.provider.deliver(reference)
