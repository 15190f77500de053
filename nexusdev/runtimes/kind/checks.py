"""The checks of ``doctor`` that concern kind: its programs, and the kernel's limits for a node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from nexusdev.check import Check, failed, good, warning
from nexusdev.runtimes.kind.commands import no_program
from nexusdev.runtimes.kind.versions import ProgramVersion, cgroup_problem

_INOTIFY = Path("/proc/sys/fs/inotify")
# Limits that kind's documentation recommends; a kubelet and its pods need more than the kernel's default.
_WANTED = {"max_user_watches": 65536, "max_user_instances": 256}
_KUBERNETES = ProgramVersion(1, 34)


def program_checks(which: Callable[[str], str | None]) -> Iterator[Check]:
    """Yield the checks of the programs. Only docker has to be there: kind and kubectl are taken out of images."""
    found = which("docker")
    if found:
        yield good("docker command", found)
    else:
        yield failed("docker command", "it is not on the PATH, and kind uses it", fix=_install())
    for name in ("kind", "kubectl"):
        yield good(name, which(name) or "not on the PATH; it is taken out of an image")


def machine_checks(
    cgroup: str, *, inotify: Path = _INOTIFY, kubernetes: ProgramVersion = _KUBERNETES
) -> Iterator[Check]:
    """Yield the checks of the machine.

    Args:
        cgroup: The engine's version of control groups: '1' or '2'; '' if it does not tell.
        inotify: The kernel's folder of limits.
        kubernetes: The version of the node.
    """
    problem = cgroup_problem(cgroup, kubernetes)
    yield failed("control groups", problem) if problem else good("control groups", f"v{cgroup or '?'}")
    low = [f"{name} is {value}" for name, value in _limits(inotify) if value < _WANTED[name]]
    wanted = " ".join(f"fs.inotify.{name}={value}" for name, value in _WANTED.items())
    if low:
        yield warning(
            "inotify", f"{', '.join(low)}: pods may fail with 'too many open files'", fix=f"sudo sysctl {wanted}"
        )
    else:
        yield good("inotify", "enough watches and instances")


def require_docker_command(which: Callable[[str], str | None]) -> None:
    """Raise PreflightFailed (PROGRAM_MISSING) if there is no docker command, which kind uses."""
    if not which("docker"):
        raise no_program("docker")


def _limits(folder: Path) -> Iterator[tuple[str, int]]:
    for name in _WANTED:
        file = folder / name
        if file.is_file():
            yield name, int(file.read_text())


def _install() -> str:
    return "install Docker's command line: apt-get install docker-cli, or Docker Desktop"
