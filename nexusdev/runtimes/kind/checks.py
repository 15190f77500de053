"""The checks of ``doctor`` that concern kind: its programs, the engine, and the kernel's limits for a node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from nexusdev.check import Check, failed, good, warning
from nexusdev.runtimes.kind.commands import no_program
from nexusdev.runtimes.kind.versions import ProgramVersion, cgroup_problem, kind_problem, kubectl_problem

_INOTIFY = Path("/proc/sys/fs/inotify")
# Limits that kind's documentation recommends; a kubelet and its pods need more than the kernel's default.
_WANTED = {"max_user_watches": 65536, "max_user_instances": 256}
_KUBERNETES = ProgramVersion(1, 34)
# That of Docker 20.10.10, the first with cgroup namespaces as kind needs them.
_OLDEST_API = (1, 41)


def program_checks(
    which: Callable[[str], str | None], version: Callable[[str, str], ProgramVersion | None]
) -> Iterator[Check]:
    """Yield the checks of the programs. Only docker has to be there: kind and kubectl are taken out of images.

    Args:
        which: Finds a program on the PATH; None if there is none.
        version: Asks a program, by its name and its path, for its version; None if it does not tell.
    """
    found = which("docker")
    if found:
        yield good("docker command", found)
    else:
        yield failed("docker command", "it is not on the PATH, and kind uses it", fix=_install())
    for name, problem in (("kind", kind_problem), ("kubectl", partial(kubectl_problem, cluster=_KUBERNETES))):
        path = which(name)
        if path is None:
            yield good(name, "not on the PATH; it is taken out of an image")
        elif words := problem(told := version(name, path)):
            yield good(name, f"{path} is not used: {words}; one is taken out of an image")
        else:
            yield good(name, f"{path}, {told}")


def engine_checks(api_version: str, refusal: Callable[[], str | None]) -> Iterator[Check]:
    """Yield the checks of the engine.

    Args:
        api_version: Of its API: '1.47'.
        refusal: Tries a privileged container and returns why the engine refuses it, '' if it does not; None if there is no image for it.
    """
    numbers = tuple(int(each) for each in api_version.split(".") if each.isdigit())
    if numbers < _OLDEST_API:
        oldest = ".".join(map(str, _OLDEST_API))
        yield failed("engine for kind", f"its API is {api_version}, at least {oldest} is needed", fix=_install())
    else:
        yield good("engine for kind", f"API {api_version}")
    words = refusal()
    if words is None:
        yield good("privileged containers", "not tried: there is no image yet")
    elif words:
        yield failed("privileged containers", words, fix="scripts/engine   for an engine of this machine's own")
    else:
        yield good("privileged containers", "they run")


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
