"""A second engine with nothing in common with the machine's: own folders, own containerd, own network namespace.

In a namespace of its own it has its own loopback, bridges and packet filter: neither its ports nor its rules can meet those of
the machine's engine. Commands that shall reach its published ports run in there too (``inside``).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

TOOLS = ("docker", "dockerd", "containerd", "unshare", "nsenter", "ip")


@contextmanager
def private_engine(configuration: Mapping[str, Any] | None = None, *, mapped: str = "") -> Iterator[PrivateEngine]:
    """A running engine that is ended, with all it made, at the end; skips where none can be started.

    ``configuration``: the content of its daemon.json. ``mapped``: user:group, for userns-remap.
    """
    if os.geteuid() != 0:
        pytest.skip("only root may start an engine of its own")
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        pytest.skip(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not here")
    folder = Path(tempfile.mkdtemp(prefix="nxd-", dir="/var/tmp"))  # short: sockets are below it
    space = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    engine = PrivateEngine(folder, space.pid, mapped=mapped)
    try:
        engine.prepare(configuration or {})
        engine.start()
        yield engine
    finally:
        engine.stop()
        engine.end_what_is_left()
        space.kill()
        space.wait()
        engine.unmount()
        shutil.rmtree(folder, ignore_errors=True)


class PrivateEngine:
    """``url``: its DOCKER_HOST."""

    def __init__(self, folder: Path, space: int, *, mapped: str = "") -> None:
        self.folder = folder
        self.url = f"unix://{folder}/docker.sock"
        self.inside = ("nsenter", f"--net=/proc/{space}/ns/net")
        self._mapped = mapped
        self._process: subprocess.Popen[bytes] | None = None
        self._has_run = False

    def prepare(self, configuration: Mapping[str, Any]) -> None:
        _until(lambda: _own_network(self.inside), seconds=10, what="a network namespace of its own")
        subprocess.run([*self.inside, "ip", "link", "set", "lo", "up"], check=True)
        (self.folder / "daemon.json").write_text(json.dumps(configuration))
        self.folder.chmod(0o711)  # a mapped root must be able to pass
        names = self._mapped.split(":")
        (self.folder / "subordinate").write_text("".join(f"{name}:100000:65536\n" for name in names))

    def start(self) -> None:
        log = (self.folder / "dockerd.log").open("ab")
        self._process = subprocess.Popen([*self.inside, *self._alone(), *self._command()], stdout=log, stderr=log)
        log.close()
        _until(self.answers, seconds=60, what=f"an engine: {self.last_words()}")

    def _alone(self) -> Sequence[str]:
        """A mount namespace of its own, in which the mapped user and group have subordinate ids, whatever the machine's files say."""
        if not self._mapped:
            return ()
        binds = " && ".join(f'mount --bind "$0" /etc/{name}' for name in ("subuid", "subgid"))
        return ("unshare", "--mount", "sh", "-c", f'{binds} && exec "$@"', f"{self.folder}/subordinate")

    def _command(self) -> Sequence[str]:
        here = self.folder
        return (
            "dockerd",
            f"--config-file={here}/daemon.json",
            f"--data-root={here}/data",
            f"--exec-root={here}/exec",
            f"--pidfile={here}/docker.pid",
            f"--host={self.url}",
            "--bridge=none",
            "--containerd-namespace=nxd",
            "--containerd-plugins-namespace=nxd-plugins",
        )

    def answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            if self._has_run:
                pytest.fail(f"the engine does not come back: {self.last_words()}")
            pytest.skip(f"an engine of its own cannot run here: {self.last_words()}")
        answered = self.docker("version").returncode == 0
        self._has_run = self._has_run or answered
        return answered

    def last_words(self) -> str:
        with suppress(OSError):
            return (self.folder / "dockerd.log").read_text()[-600:]
        return ""

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> None:
        """End it, as a machine does that shuts down (SIGTERM), or as a crash does (SIGKILL)."""
        if self._process is None:
            return
        self._process.send_signal(with_signal)
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        self._bury_containerd()

    def _bury_containerd(self) -> None:
        """A killed engine takes its containerd along. Where nobody reaps it, the next engine would take the dead one for a living."""
        noted = self.folder / "exec" / "containerd" / "containerd.pid"
        with suppress(FileNotFoundError):
            stat = Path(f"/proc/{noted.read_text()}/stat")
            _until(
                lambda: not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z",
                seconds=20,
                what="its containerd to end",
            )
            noted.unlink()

    def docker(self, *words: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["docker", "-H", self.url, *words], capture_output=True, check=False, **more)

    def take(self, images: Sequence[str]) -> None:
        """Copy images of the machine's engine over."""
        saved = subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE)
        loaded = self.docker("load", stdin=saved.stdout)
        assert saved.wait() == 0
        assert loaded.returncode == 0, loaded.stderr

    def end_what_is_left(self) -> None:
        """Containers outlive an engine that was killed, each below a shim that knows its engine's folder."""
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if f"{self.folder}/".encode() in (folder / "cmdline").read_bytes():
                    servers = (folder / "task" / folder.name / "children").read_text().split()
                    for pid in (*servers, folder.name):
                        os.kill(int(pid), signal.SIGKILL)

    def unmount(self) -> None:
        """What a killed engine left mounted below its folder, deepest first."""
        mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for each in sorted((each for each in mounts if each.startswith(f"{self.folder}/")), reverse=True):
            subprocess.run(["umount", "--lazy", each], check=False)


def _own_network(inside: Sequence[str]) -> bool:
    """Whether the namespace is there already, and is not the machine's."""
    there = subprocess.run([*inside, "readlink", "/proc/self/ns/net"], capture_output=True, text=True, check=False)
    return there.returncode == 0 and there.stdout.strip() != str(Path("/proc/self/ns/net").readlink())


def _until(holds: Any, *, seconds: float, what: str) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.1)
