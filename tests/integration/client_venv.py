"""Virtual environments with the client libraries and frameworks that the tests try, made once and kept below ``.venv``."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2] / ".venv" / "clients"


def python(*requirements: str) -> Path:
    """The interpreter of an environment with these packages.

    Args:
        requirements: Requirements as pip reads them: ``rq==1.16.*``.

    Returns:
        The path of its ``python``.
    """
    folder = ROOT / hashlib.sha256("\n".join(sorted(requirements)).encode()).hexdigest()[:12]
    interpreter, complete = folder / "bin" / "python", folder / "complete"
    if not complete.exists():
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "-q", "--clear", "-p", sys.executable, folder], check=True)
        subprocess.run([*uv, "pip", "install", "-q", "-p", interpreter, *requirements], check=True)
        complete.touch()
    return interpreter


def own_wheel(folder: Path) -> Path:
    """Build the wheel of this tree.

    Args:
        folder: Where it is built.

    Returns:
        The wheel.
    """
    argv = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT.parents[1])]
    subprocess.run(argv, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def with_wheel(wheel: Path, *requirements: str) -> Path:
    """The interpreter of an environment with these packages, and with this tree's wheel as it is now.

    Args:
        wheel: From ``own_wheel``.
        requirements: As for ``python``.
    """
    interpreter = python("pytest>=8", *requirements)
    argv = ["pip", "install", "-q", "-p", str(interpreter), "--reinstall-package", "nexusdev", f"{wheel}[pytest]"]
    subprocess.run([sys.executable, "-m", "uv", *argv], check=True)
    return interpreter


def wheels(requirements: Path, *, python: str) -> Path:
    """A folder with the wheels of a file of requirements, and pip's own.

    Args:
        requirements: The file.
        python: The version that they are for: ``3.13``.

    Returns:
        The folder, for reading only.
    """
    folder = ROOT / f"wheels-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]}-{python}"
    if not folder.exists():
        partly = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(partly, ignore_errors=True)
        words = ("pip", "download", "-q", "-d", str(partly), "--python-version", python, "--only-binary=:all:")
        subprocess.run(
            [sys.executable, "-m", *words, "-r", str(requirements), "pip"], check=True, timeout=300, capture_output=True
        )
        partly.rename(folder)
    return folder


def run(interpreter: Path, program: str, environment: Mapping[str, str], *, folder: Path, seconds: float = 60) -> str:
    """What a Python program prints that gets these variables and nothing else.

    Args:
        interpreter: From ``python``.
        program: Its text.
        environment: The env file's variables.
        folder: Where it runs.
        seconds: How long it may take.

    Returns:
        Its standard output, stripped.

    Raises:
        AssertionError: It ended with another exit code than 0; the message is its standard error.
    """
    return command([str(interpreter), "-c", dedent(program)], environment, folder=folder, seconds=seconds)


def command(argv: list[str], environment: Mapping[str, str], *, folder: Path, seconds: float = 60) -> str:
    """The same for any command; its ``PATH`` begins with the folder of the command itself."""
    path = f"{Path(argv[0]).parent}:/usr/local/bin:/usr/bin:/bin"
    ran = subprocess.run(
        argv,
        cwd=folder,
        env={"PATH": path, "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert ran.returncode == 0, f"{argv[:3]}: {ran.stdout[-2000:]}{ran.stderr[-4000:]}"
    return ran.stdout.strip()
