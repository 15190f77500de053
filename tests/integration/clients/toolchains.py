"""Builds the clients of each language once, with pinned versions, in a folder that git ignores. Skips with a reason where a runtime is missing."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from tests.integration import engine

PROGRAMS = Path(__file__).parent / "programs"
CACHE = Path(__file__).parents[3] / ".cache" / "clients"
MC = "github.com/minio/mc@v0.0.0-20250313080218-cf909e1063a9"
#: What Debian's Python is in the image of the containers.
PYTHON_THERE = "3.13"


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
        (folder / Path(name).name).write_bytes(content)
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
def python_packages_there() -> Path:
    """The same packages as wheels for the Python of the containers."""
    pip = python()[0]
    folder, current = _folder("python-there", "requirements.txt")
    if not current:
        machine = platform.machine()
        platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in (17, 28)]
        where = ["--target=site", "--upgrade", f"--python-version={PYTHON_THERE}", *platforms, "--only-binary=:all:"]
        install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", *where, "-r", "requirements.txt"]
        _ran([pip, *install], folder)
        _made(folder, "requirements.txt")
    return folder / "site"


def _npm_install(npm: str, folder: Path) -> None:
    """Install from nothing: npm does not repair a folder that an interrupted installation left."""
    shutil.rmtree(folder / "node_modules", ignore_errors=True)
    _ran([npm, "install", "--no-audit", "--no-fund", "--loglevel=error"], folder)


@cache
def node() -> list[str]:
    npm, program = needed("npm"), needed("node")
    folder, current = _folder("node", "package.json")
    shutil.copy(PROGRAMS / "check.js", folder)
    if not current:
        _npm_install(npm, folder)
        _made(folder, "package.json")
    return [program, str(folder / "check.js")]


def _go_places() -> dict[str, str]:
    places = {"GOMODCACHE": str(CACHE / "go-mod"), "GOCACHE": str(CACHE / "go-build"), "GOFLAGS": "-modcacherw"}
    return {**places, "CGO_ENABLED": "0"}  # static, so that they run in any container


@cache
def go() -> list[str]:
    program = needed("go")
    folder, current = _folder("go", "go.mod", "check.go")
    if not current:
        _ran([program, "mod", "tidy"], folder, **_go_places())
        _ran([program, "build", "-o", "check", "."], folder, **_go_places())
        _made(folder, "go.mod", "check.go")
    return [str(folder / "check")]


@cache
def mc() -> str:
    """MinIO's client, built from its module: a program of this name in PATH may be another one."""
    folder = CACHE / "mc" / MC.rpartition("@")[2]
    if not (folder / "mc").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _ran([needed("go"), "install", MC], folder, **_go_places(), GOBIN=str(folder))
    return str(folder / "mc")


@cache
def java() -> str:
    """The class path of the compiled programs and their libraries, which Maven fetches."""
    javac, maven = needed("javac"), needed("mvn")
    programs = ("Check.java", "SpringCheck.java")
    folder, current = _folder("java", "pom.xml", *programs)
    if not current:
        _ran([maven, "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars"], folder)
        _ran([javac, "-cp", f"{folder}/jars/*", *programs], folder)
        _made(folder, "pom.xml", *programs)
    return f"{folder}:{folder}/jars/*"


@cache
def prisma() -> Path:
    """The folder of a program with Prisma's generated client."""
    npm = needed("npm")
    files = tuple(f"prisma/{name}" for name in ("package.json", "schema.prisma", "prisma.config.ts", "app.js"))
    folder, current = _folder("prisma", *files)
    if not current:
        _npm_install(npm, folder)
        # generate needs no engine, and downloads none if this names a file; the configuration needs the variables, and connects to nothing.
        settings = {"PRISMA_SCHEMA_ENGINE_BINARY": sys.executable}
        urls = dict.fromkeys(("DATABASE_URL", "DIRECT_URL", "SHADOW_DATABASE_URL"), "postgresql://127.0.0.1/none")
        _ran([str(folder / "node_modules" / ".bin" / "prisma"), "generate"], folder, **settings, **urls)
        _made(folder, *files)
    return folder


@cache
def ruby(gem: str) -> list[str]:
    program = needed("ruby")
    if subprocess.run([program, "-e", f"require '{gem}'"], capture_output=True, check=False).returncode:
        pytest.skip(f"Ruby has no {gem} here")
    return [program, str(PROGRAMS / "check.rb")]


@cache
def image() -> str:
    """An image with the runtimes and tools of Debian, for the clients that no image of the stack has."""
    import docker

    recipe = (PROGRAMS / "Dockerfile").read_bytes()
    name = f"nexusdev-test/clients:{hashlib.sha256(recipe).hexdigest()[:12]}"
    builder = docker.from_env(timeout=900)
    if not builder.images.list(name):
        builder.images.build(path=str(PROGRAMS), tag=name, buildargs={"BASE": engine.base_image()}, rm=True)
    return name
