"""Runs one command in a new container, with the caller's streams and signals, and always removes the container."""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
from typing import IO

from nexusdev.errors import NotFound
from nexusdev.interfaces import OneOff
from nexusdev.runtimes.docker import create, labels
from nexusdev.runtimes.docker.build_container import remove
from nexusdev.runtimes.docker.connection import Engine
from nexusdev.runtimes.docker.connection_errors import translate_engine_errors
from nexusdev.runtimes.docker.exec import Attached
from nexusdev.runtimes.terminal import caller_signals

_ENDING = frozenset({signal.SIGINT, signal.SIGTERM})
# The third signal kills a command that ignored the first two.
_PATIENCE = 3
_OVER = 0
_KILLED = 128 + signal.SIGKILL


def run(
    engine: Engine,
    names: create.ResourceNames,
    one_off: OneOff,
    *,
    stdin: IO[bytes] | None,
    stdout: IO[bytes],
    stderr: IO[bytes],
    tty: bool,
) -> int:
    """Create, attach, start, wait for and remove a one-off container. See ``interfaces.Runtime.run_one_off``."""
    with caller_signals() as received:
        container = _created(engine, names, one_off, tty=tty, with_stdin=stdin is not None)
        command = _Run(engine, container, received, tty=tty)
        try:
            return command.attach(stdin, stdout, stderr)
        finally:
            command.remove()


def _created(engine: Engine, names: create.ResourceNames, one_off: OneOff, *, tty: bool, with_stdin: bool) -> str:
    import docker.errors

    network = names.network("nexus")
    config = create.one_off_config(one_off, names, network=network, tty=tty, with_stdin=with_stdin)
    with translate_engine_errors(engine.endpoint):
        ours = engine.http.networks(filters={"label": f"{labels.INSTANCE}={names.instance}"})
        if network not in [each["Name"] for each in ours]:
            raise NotFound(f"instance {names.instance} does not run", why="it has no network", hint="nexusdev up")
        try:
            return str(engine.api.create_container_from_config(config, name=one_off.name)["Id"])
        except docker.errors.ImageNotFound as error:
            raise NotFound(f"there is no image {one_off.image}", hint=f"docker pull {one_off.image}") from error


class _Run(Attached):
    """The command of the container."""

    def __init__(self, engine: Engine, container: str, received: queue.SimpleQueue[int], *, tty: bool) -> None:
        super().__init__(engine, tty=tty)
        self._id = container
        self._received = received

    def _request(self) -> tuple[str, bytes]:
        return f"/containers/{self._id}/attach?stream=1&stdin=1&stdout=1&stderr=1", b""

    def _started(self) -> None:
        """Start the container after the stream is open, so that no output is lost."""
        self._engine.api.start(self._id)
        threading.Thread(target=self._pass_signals, name="signals", daemon=True).start()

    def _set_size(self, rows: int, columns: int) -> None:
        self._engine.api.resize(self._id, height=rows, width=columns)

    def _exit_code(self) -> int:
        """Return the exit code. A container that was removed by another process, such as ``down``, counts as killed."""
        import docker.errors

        try:
            return int(self._engine.api.wait(self._id)["StatusCode"])
        except docker.errors.NotFound:
            return _KILLED

    def _pass_signals(self) -> None:
        ended = 0
        while number := self._received.get():
            ended += number in _ENDING
            with contextlib.suppress(Exception):  # it may have ended by itself
                self._engine.api.kill(self._id, signal.SIGKILL if ended >= _PATIENCE else number)

    def remove(self) -> None:
        self._received.put(_OVER)
        with translate_engine_errors(self._engine.endpoint):
            remove(self._engine.api, self._id)
