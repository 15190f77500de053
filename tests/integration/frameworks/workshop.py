"""A folder for each page, with what the page installs kept between most runs, and one shell that runs the page's commands there."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.integration import compose_cli, engine
from tests.integration.conftest import Project
from tests.pages import Page, says

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs" / "frameworks"
CACHE = ROOT / ".cache" / "frameworks"
#: Folders whose content only the installation changes.
INSTALLED = {".venv", "node_modules"}
#: A reader waits until a server that was started in the background answers; curl does it here.
CURL = "retry = 240\nretry-delay = 1\nretry-connrefused\nfail-with-body\n"


def folder_of(name: str, page: Page, environment: Mapping[str, str], *, anew: bool = False) -> Path:
    """A folder with the page's files, in which its installation is done.

    Args:
        name: Of the page.
        page: What it contains.
        environment: For the commands of the installation.
        anew: Whether to install again in an empty folder: the page's commands change what is installed. Downloads are kept by the tools.

    Returns:
        The folder, without anything that an earlier run of the commands left there.
    """
    folder, mark = CACHE / name, CACHE / f"{name}.json"
    known = json.loads(mark.read_text()) if mark.exists() and folder.exists() and not anew else {}
    if known.get("digest") != page.digest:
        mark.unlink(missing_ok=True)
        _install(folder, page, environment)
        known = {"digest": page.digest, "files": sorted(map(str, _files(folder)))}
        mark.write_text(json.dumps(known))
    _remove(_files(folder) - {Path(each) for each in known["files"]})
    _write(folder, page.files)
    return folder


def missing_gems(page: Page, folder: Path) -> str:
    """What Bundler says of the gems that the page's Gemfile names and Ruby does not have: a command may be there without its gem.

    Args:
        page: The page.
        folder: An empty folder for the Gemfile.

    Returns:
        Its words; '' if all are there, or if the page has no Gemfile.
    """
    text = next((text for name, text in page.files.items() if Path(name).name == "Gemfile"), "")
    if not text:
        return ""
    folder.mkdir()
    (folder / "Gemfile").write_text(text, encoding="utf-8")
    own = {"BUNDLE_GEMFILE": str(folder / "Gemfile")}
    done = subprocess.run(
        ["bundle", "check"], cwd=folder, env={**os.environ, **own}, capture_output=True, text=True, check=False
    )
    return " ".join(f"{done.stdout} {done.stderr}".split()) or "bundle check failed" if done.returncode else ""


def _install(folder: Path, page: Page, environment: Mapping[str, str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _write(folder, page.before)
    words = ["bash", "-c", f"set -e\n{page.install}"]
    done = subprocess.run(words, cwd=folder, env=dict(environment), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{page.install}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if text.startswith("#!"):
            path.chmod(0o755)


def _remove(files: set[Path]) -> None:
    """Removes the files and the folders that are empty without them: Prisma takes an empty folder for a migration."""
    for path in files:
        path.unlink()
    for place in sorted({parent for path in files for parent in path.parents}, reverse=True):
        with contextlib.suppress(OSError):
            place.rmdir()


def _files(folder: Path) -> set[Path]:
    """All files outside the folders of installed packages."""
    found: set[Path] = set()
    for place, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if each not in INSTALLED]
        found.update(Path(place) / name for name in names)
    return found


def environment_of(project: Project, home: Path) -> dict[str, str]:
    """A developer's shell: ``nexusdev`` is in its PATH and works on this project, and ``PORT`` is a free port."""
    programs = home / "bin"
    programs.mkdir()
    command = programs / "nexusdev"
    words = [sys.executable, "-P", "-m", "nexusdev", "--project", str(project.folder)]
    command.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    command.chmod(0o755)
    (home / ".curlrc").write_text(CURL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {"PATH": f"{programs}:{os.environ['PATH']}", "CURL_HOME": str(home), "PORT": str(port)}
    return {**project.environment, **own}


def compose_of(home: Path) -> dict[str, str]:
    """Where the engine came without a Compose plugin, ``docker compose`` runs it in a container; the application's image is one that exists here."""
    program = home / "bin" / "docker"
    if not compose_cli.plugin_is_new_enough():
        compose_cli.build(engine.base_image())
        names = ("APP_IMAGE", "NEXUSDEV_INSTANCE", "NEXUSDEV_CONTAINER_FILES")
        options = " ".join(f"--env {name}" for name in names)
        mounts = '--volume /var/run/docker.sock:/var/run/docker.sock --volume "$PWD:$PWD" --workdir "$PWD"'
        program.write_text(
            f"#!/bin/sh\nshift\nexec {shutil.which('docker')} run --rm --network none {options} {mounts} "
            f'{compose_cli.IMAGE} "$@"\n'
        )
        program.chmod(0o755)
    return {"APP_IMAGE": engine.image("postgres")}


def run(page: Page, folder: Path, environment: Mapping[str, str], log: Path, *, seconds: float) -> None:
    """Runs the page's commands one after the other, as a reader would type them.

    Args:
        page: Its commands.
        folder: Where its files are.
        environment: Of the shell.
        log: The file for what background commands print.
        seconds: How long all commands may take.

    Raises:
        AssertionError: A command failed, or printed something else than the page states.
    """
    log.touch()
    with _shell(_script(page, log), folder, environment) as shell:
        try:
            printed, errors = shell.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            printed, errors = shell.communicate()
            errors += f"\nnot finished after {seconds} s"
    parts = printed.split("\0")
    for command, output, code in zip(page.commands, parts[::2], [*parts[1::2], "none"], strict=False):
        more = f"{errors[-4000:]}\n{log.read_text()[-4000:]}"
        assert code == "0", f"$ {command.text}\n{output}\nexit code {code}\n{more}"
        assert says(command.output, output), f"$ {command.text}\n{output}\nis not what the page states\n{more}"
    assert len(parts) == 2 * len(page.commands) + 1, parts


def _script(page: Page, log: Path) -> str:
    """Each command is followed by its exit code between zero bytes; the first that fails is the last."""
    lines = []
    for command in page.commands:
        text = f"{{ {command.text[:-1]} ; }} >>{shlex.quote(str(log))} 2>&1 &" if command.background else command.text
        lines += [text, "code=$?; printf '\\0%s\\0' $code; [ $code = 0 ] || exit"]
    return "\n".join(lines)


def _end(group: int) -> None:
    """Ends a process group: a worker of Celery may wait for ever after SIGTERM."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)
        for _ in range(50):
            time.sleep(0.1)
            os.killpg(group, 0)
        os.killpg(group, signal.SIGKILL)


@contextlib.contextmanager
def _shell(script: str, folder: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A shell in a process group of its own, which ends with all that it left in the background.

    Its standard input is a terminal, as a reader's is: some tools refuse to work without one.
    """
    terminal, stdin = os.openpty()
    shell = subprocess.Popen(
        ["bash", "-c", script],
        cwd=folder,
        env=dict(environment),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield shell
    finally:
        _end(shell.pid)
        os.close(terminal)
        os.close(stdin)
