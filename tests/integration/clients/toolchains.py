"""Builds the clients of each language once, with pinned versions, in a folder that git ignores. Skips with a reason where a runtime is missing."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"
CACHE = Path(__file__).parents[3] / ".cache" / "clients"
CENTRAL = "https://repo1.maven.org/maven2"
JARS = {
    "org/postgresql/postgresql/42.7.4/postgresql-42.7.4.jar": "188976721ead8e8627eb6d8389d500dccc0c9bebd885268a3047180274a6031e",
    "redis/clients/jedis/5.2.0/jedis-5.2.0.jar": "dd4fbda2c103f319ab495adb2bc1906139840746cfd4c66b27710d1af98382d4",
    "org/apache/commons/commons-pool2/2.12.0/commons-pool2-2.12.0.jar": "6d3bd18df8410f3e31b031aca582cc109342358a62a2759ebd0c4cdf30d06f8b",
    "org/slf4j/slf4j-api/1.7.36/slf4j-api-1.7.36.jar": "d3ef575e3e4979678dc01bf1dcce51021493b4d11fb7f1be8ad982877c16a1c0",
    "com/google/code/gson/gson/2.11.0/gson-2.11.0.jar": "57928d6e5a6edeb2abd3770a8f95ba44dce45f3b23b7a9dc2b309c581552a78b",
    "org/json/json/20240303/json-20240303.jar": "3cf6cd6892e32e2b4c1c39e0f52f5248a2f5b37646fdfbb79a66b46b618414ed",
}


def needed(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed here")
    return found


def _ran(words: Sequence[str], folder: Path, **environ: str) -> None:
    done = subprocess.run(words, cwd=folder, env={**os.environ, **environ}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}{done.stderr}"


def _folder(language: str, *files: str) -> tuple[Path, bool]:
    """The folder of a language with these program files, and whether its dependencies are there already.

    They are when the files are those of then: the mark in the folder is a hash of them.
    """
    folder = CACHE / language
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    for name in files:
        content = (PROGRAMS / name).read_bytes()
        digest.update(content)
        (folder / name).write_bytes(content)
    mark = folder / ".made-of"
    current = mark.exists() and mark.read_text() == digest.hexdigest()
    if not current:
        mark.unlink(missing_ok=True)
    return folder, current


def _made(folder: Path, *files: str) -> None:
    digest = hashlib.sha256(b"".join((PROGRAMS / name).read_bytes() for name in files))
    (folder / ".made-of").write_text(digest.hexdigest())


@cache
def python() -> list[str]:
    """An interpreter with the clients that the tests of nexusdev do not bring."""
    folder, current = _folder("python", "requirements.txt")
    program = folder / "venv" / "bin" / "python"
    if not current:
        _ran([sys.executable, "-m", "venv", str(folder / "venv")], folder)
        install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", "requirements.txt"]
        _ran([str(program), *install], folder)
        _made(folder, "requirements.txt")
    return [str(program), str(PROGRAMS / "check.py")]


@cache
def node() -> list[str]:
    npm, program = needed("npm"), needed("node")
    folder, current = _folder("node", "package.json")
    shutil.copy(PROGRAMS / "check.js", folder)
    if not current:
        _ran([npm, "install", "--no-audit", "--no-fund", "--loglevel=error"], folder)
        _made(folder, "package.json")
    return [program, str(folder / "check.js")]


@cache
def go() -> list[str]:
    program = needed("go")
    folder, current = _folder("go", "go.mod", "check.go")
    if not current:
        places = {"GOMODCACHE": str(CACHE / "go-mod"), "GOCACHE": str(CACHE / "go-build"), "GOFLAGS": "-modcacherw"}
        _ran([program, "mod", "tidy"], folder, **places)
        _ran([program, "build", "-o", "check", "."], folder, **places)
        _made(folder, "go.mod", "check.go")
    return [str(folder / "check")]


@cache
def java() -> list[str]:
    """The options of the trust store follow in each test."""
    program, javac = needed("java"), needed("javac")
    folder, current = _folder("java", "Check.java")
    jars = [_jar(folder, place, sha256) for place, sha256 in JARS.items()]
    classes = ":".join([str(folder), *map(str, jars)])
    if not current:
        _ran([javac, "-cp", classes, "Check.java"], folder)
        _made(folder, "Check.java")
    return [program, "-cp", classes, "Check"]


def _jar(folder: Path, place: str, sha256: str) -> Path:
    file = folder / Path(place).name
    if not file.exists():
        with urllib.request.urlopen(f"{CENTRAL}/{place}", timeout=60) as answer:
            file.write_bytes(answer.read())
    assert hashlib.sha256(file.read_bytes()).hexdigest() == sha256, file
    return file


@cache
def ruby(gem: str) -> list[str]:
    program = needed("ruby")
    if subprocess.run([program, "-e", f"require '{gem}'"], capture_output=True, check=False).returncode:
        pytest.skip(f"Ruby has no {gem} here")
    return [program, str(PROGRAMS / "check.rb")]
