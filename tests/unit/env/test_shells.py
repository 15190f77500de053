"""A shell that evaluates the lines has the variables and nothing that changes their meaning; afterwards it can have everything back."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest

from nexusdev.components.postgres import companions as postgres
from nexusdev.components.postgres.client import connect
from nexusdev.env.companions import COMPANIONS, companions_of
from nexusdev.env.formats import SHELLS, render
from nexusdev.env.shells import taken_back
from nexusdev.operations.run import environment_for

VALUES = {
    "PGHOST": "127.0.0.1",
    "AWS_ACCESS_KEY_ID": "app",
    "AWS_CA_BUNDLE": "/state/bundle.pem",
    "VAULT_ADDR": "https://127.0.0.1:21082",
    "REDIS_URL": "rediss://127.0.0.1:21079/0",
    "NODE_OPTIONS": "--use-openssl-ca",
    "NEXUSDEV_INSTANCE": "shop",
}
#: A shell that works with other servers.
BEFORE = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/",
    "PGHOST": "db.example",
    "PGSERVICE": "it's $HOME",
    "AWS_SESSION_TOKEN": "temporary",
    "VAULT_NAMESPACE": "team",
    "HTTPS_PROXY": "http://proxy:3128",
    "NO_PROXY": "it's,corp.example",
    "NODE_OPTIONS": "--max-old-space-size=4096",
}
RUNNING = {"shell": ("sh", "bash", "dash", "zsh"), "direnv": ("bash",), "fish": ("fish",), "powershell": ("pwsh",)}
CASES = [(style, program) for style, programs in RUNNING.items() for program in programs]


def evaluated(program: str, text: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a shell after it evaluated the text."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed here")
    done = subprocess.run([found, "-c", text + "env -0"], env=dict(environ), capture_output=True, text=True, check=True)
    assert done.stderr == ""
    pairs = dict(each.split("=", 1) for each in done.stdout.split("\0") if "=" in each)
    return {name: value for name, value in pairs.items() if name not in {"_", "PWD", "SHLVL", "OLDPWD"}}


@pytest.mark.parametrize(("style", "program"), CASES)
def test_a_shell_has_the_variables_without_interfering_ones(style: str, program: str) -> None:
    after = evaluated(program, render(VALUES, style, environ=BEFORE), BEFORE)
    assert {name: after.get(name) for name in VALUES} == {**VALUES, "NODE_OPTIONS": BEFORE["NODE_OPTIONS"]}
    assert not {"PGSERVICE", "AWS_SESSION_TOKEN", "VAULT_NAMESPACE"} & after.keys()
    assert after["NO_PROXY"] == after["no_proxy"] == "it's,corp.example,127.0.0.1,localhost,::1"
    assert after["HTTPS_PROXY"] == BEFORE["HTTPS_PROXY"]


@pytest.mark.parametrize(("style", "program"), CASES)
@pytest.mark.parametrize("before", [BEFORE, {"PATH": "/usr/bin:/bin", "HTTPS_PROXY": "http://proxy:3128"}])
def test_unset_restores_the_environment(style: str, program: str, before: Mapping[str, str]) -> None:
    expected = evaluated(program, "", before)
    once = evaluated(program, render(VALUES, style, environ=before), before)
    twice = evaluated(program, render({**VALUES, "PGHOST": "::1"}, style, environ=once), once)
    assert twice["PGHOST"] == "::1"
    names = [name for name in VALUES if name != "NODE_OPTIONS"]
    assert evaluated(program, taken_back(SHELLS[style], names, twice), twice) == expected


def test_the_output_has_no_secret_of_the_shell() -> None:
    for style in SHELLS:
        assert "temporary" not in render(VALUES, style, environ=BEFORE)


def test_a_clean_shell_gets_no_other_value() -> None:
    text = render({"PGHOST": "::1"}, "shell", environ={"PATH": "/bin"})
    assert text.startswith("export PGHOST='::1'\nunset PGHOSTADDR\n")
    assert "SAVED" not in text
    assert "PROXY" not in text
    assert "AWS_" not in text


class TestRun:
    """The environment of a command that ``run`` starts."""

    def test_a_command_has_the_variables_without_interfering_ones(self) -> None:
        environ = environment_for("app", VALUES, BEFORE)
        assert {name: environ[name] for name in VALUES} == {**VALUES, "NODE_OPTIONS": BEFORE["NODE_OPTIONS"]}
        assert not {"PGSERVICE", "AWS_SESSION_TOKEN", "VAULT_NAMESPACE"} & environ.keys()
        assert environ["NO_PROXY"] == "it's,corp.example,127.0.0.1,localhost,::1"

    @pytest.mark.parametrize("program", ["rclone", "/usr/bin/rclone"])
    def test_variables_that_break_a_program_are_left_out(self, program: str) -> None:
        assert "AWS_CA_BUNDLE" not in environment_for(program, VALUES, {"AWS_CA_BUNDLE": "/etc/ca.pem"})
        assert environment_for("aws", VALUES, {})["AWS_CA_BUNDLE"] == "/state/bundle.pem"

    def test_companions_of_stopped_components_are_kept(self) -> None:
        assert environment_for("app", {"PGHOST": "::1"}, {"AWS_PROFILE": "work"})["AWS_PROFILE"] == "work"


def test_own_variables_are_no_companions() -> None:
    assert "VAULT_NAMESPACE" in companions_of(["VAULT_ADDR"])
    assert "VAULT_NAMESPACE" not in companions_of(["VAULT_ADDR", "VAULT_NAMESPACE"])
    every = [each for theirs in COMPANIONS.values() for each in theirs]
    assert len(every) == len(set(every))


def test_every_variable_of_libpq_is_ours_a_companion_or_known_to_be_harmless() -> None:
    """libpq's own list: the names in the library that psycopg brings."""
    libraries = list((Path(psycopg.__file__).parent.parent / "psycopg_binary.libs").glob("libpq-*"))
    if not libraries:
        pytest.skip("this psycopg brings no libpq of its own")
    read = {each.decode() for each in re.findall(rb"\0(PG[A-Z_]{4,})(?=\0)", libraries[0].read_bytes())}
    known = {each for each in read if not each.startswith("PGRES_")}
    ours = {"PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGSSLMODE", "PGSSLROOTCERT", "PGSERVICEFILE"}
    harmless = {
        *("PGAPPNAME", "PGCLIENTENCODING", "PGCONNECT_TIMEOUT", "PGDATESTYLE", "PGGEQO", "PGTZ", "PGLOCALEDIR"),
        *("PGPASSFILE", "PGSYSCONFDIR", "PGSSLCOMPRESSION", "PGOAUTHDEBUG"),
    }
    assert "PGHOSTADDR" in known
    assert known - ours - harmless <= set(postgres.COMPANIONS)


@pytest.mark.parametrize("name", ["PGSERVICE", "PGHOSTADDR", "PGOPTIONS", "PGTARGETSESSIONATTRS", "PGSSLNEGOTIATION"])
def test_own_connections_ignore_companion_variables(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "nonsense")
    with pytest.raises(psycopg.OperationalError, match=r"connection to server at .127\.0\.0\.1., port 1 failed"):
        connect(host="127.0.0.1", port=1, dbname="x", user="x", sslmode="disable")
    monkeypatch.setenv(name, "nonsense")
    with pytest.raises(psycopg.Error) as raised:
        psycopg.connect(host="127.0.0.1", port=1, dbname="x", user="x", sslmode="disable")
    assert name == "PGOPTIONS" or "port 1 failed: Connection refused" not in str(raised.value)
