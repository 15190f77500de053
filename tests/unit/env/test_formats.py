"""One file, the same values for every reader: the readers themselves are asked."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from dotenv import dotenv_values

from nexusdev.env.formats import FORMATS, USAGE, render
from nexusdev.errors import InvalidConfig

Reader = Callable[[Path], dict[str, str]]

VALUES = {
    "PGHOST": "127.0.0.1",
    "PGPASSWORD": "aZ09" * 8,
    "DATABASE_URL": "postgresql://nexus_app:aZ09@127.0.0.1:21032/nexus_architect?sslmode=verify-full",
    "REDIS_SENTINELS": "127.0.0.1:21073,127.0.0.1:21074,127.0.0.1:21075",
    "NEXUSDEV_CA_FILE": "/home/ann/.local/state/nexusdev/instances/shop-3fa9c1/tls/ca.crt",
    "ODD": "a%2Fb+c=d@e_f-g?h",
    "EMPTY": "",
}


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    file = tmp_path / ".env.nexusdev"
    file.write_text(render(VALUES, "dotenv", instance="shop"))
    return file


def told(*command: str | Path, stdin: str = "") -> dict[str, str]:
    """The variables of VALUES as a program prints them by env -0."""
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin", "HOME": "/"}
    )
    pairs = dict(each.split("=", 1) for each in done.stdout.split("\0") if "=" in each)
    return {name: pairs[name] for name in VALUES}


def needs(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed here")
    return found


def node(file: Path) -> dict[str, str]:
    script = "for (const [k, v] of Object.entries(process.env)) process.stdout.write(`${k}=${v}\\0`)"
    return told(needs("node"), f"--env-file={file}", "-e", script)


def direnv(file: Path) -> dict[str, str]:
    shown = subprocess.run([needs("direnv"), "dotenv", "json", file], capture_output=True, text=True, check=True)
    return {str(name): str(value) for name, value in json.loads(shown.stdout).items() if name in VALUES}


def systemd(file: Path) -> dict[str, str]:
    if not Path("/run/systemd/system").exists():
        pytest.skip("systemd does not run here")
    run = ("--user", "--pipe", "--quiet", "--wait", f"--property=EnvironmentFile={file}", "env", "-0")
    return told(needs("systemd-run"), *run)


def docker(file: Path) -> dict[str, str]:
    """By docker's own rules: comments and blank lines aside, everything behind the first = is the value, quotes and all."""
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def python_dotenv(file: Path) -> dict[str, str]:
    return {name: value or "" for name, value in dotenv_values(file).items()}


def sh(file: Path) -> dict[str, str]:
    return told(needs("sh"), "-c", f"set -a; . {file}; env -0")


def compose(file: Path) -> dict[str, str]:
    if subprocess.run([needs("docker"), "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker has no compose here")
    project = file.with_name("compose.yaml")
    project.write_text(f"services: {{app: {{image: x, env_file: [{file}]}}}}\n")
    words = ["docker", "compose", "-f", str(project), "config", "--format", "json"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True)
    return {str(name): str(value) for name, value in json.loads(shown.stdout)["services"]["app"]["environment"].items()}


READERS = (python_dotenv, node, docker, compose, systemd, direnv, sh)


@pytest.mark.parametrize("reader", READERS, ids=lambda each: each.__name__)
def test_every_env_file_reader_parses_bare_values_the_same(env_file: Path, reader: Reader) -> None:
    assert reader(env_file) == VALUES


@pytest.mark.parametrize("reader", READERS, ids=lambda each: each.__name__)
def test_values_are_unquoted_because_docker_keeps_quotes(tmp_path: Path, reader: Reader) -> None:
    """Only quoted values could contain ``&``. docker keeps the quotes as a part of the value, so no value of ours is quoted."""
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}='{value}'\n" for name, value in VALUES.items()))
    quoted = {name: f"'{value}'" for name, value in VALUES.items()}
    assert reader(file) == (quoted if reader is docker else VALUES)


@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "zsh"])
def test_sourcing_the_file_gives_the_same_values(env_file: Path, shell: str) -> None:
    assert told(needs(shell), "-c", f"set -a; . {env_file}; env -0") == VALUES


@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "zsh"])
@pytest.mark.parametrize("style", ["shell", "direnv"])
def test_evaluating_the_shell_format_gives_the_same_values(shell: str, style: str) -> None:
    assert told(needs(shell), "-c", render(VALUES, style) + "env -0") == VALUES


def test_fish_reads_the_same_values() -> None:
    assert told(needs("fish"), "--no-config", "-c", render(VALUES, "fish") + "env -0") == VALUES


def test_powershell_reads_the_same_values() -> None:
    script = render({**VALUES, "EMPTY": "x"}, "powershell") + "env -0"
    assert told(needs("pwsh"), "-NoProfile", "-Command", script) == {**VALUES, "EMPTY": "x"}


def test_json_has_the_same_values() -> None:
    assert json.loads(render(VALUES, "json")) == VALUES


@pytest.mark.parametrize("style", ["docker", "github"])
def test_bare_formats_contain_only_variables(style: str) -> None:
    assert render(VALUES, style) == "".join(f"{name}={value}\n" for name, value in VALUES.items())


@pytest.mark.parametrize("style", FORMATS)
def test_formatting_is_deterministic(style: str) -> None:
    assert render(VALUES, style, instance="a") == render(dict(VALUES), style, instance="a")


@pytest.mark.parametrize("value", ["a b", "a&b", "$HOME", "a#b", "a'b", 'a"b', "a;b", "a`b", "~", "a\nb", "a\\b", "é"])
@pytest.mark.parametrize("style", FORMATS)
def test_an_ambiguous_value_is_refused(style: str, value: str) -> None:
    with pytest.raises(InvalidConfig, match="variable X"):
        render({"X": value}, style)


def test_every_format_says_how_it_is_used() -> None:
    assert set(USAGE) == set(FORMATS)
