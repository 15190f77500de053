"""``nexusdev env`` answers before anything is imported, and leaves to the full command whatever it is not sure of."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from nexusdev.env import stored
from nexusdev.env.fast import FailedProof, answer, understood
from nexusdev.env.formats import render
from nexusdev.env.stored import Stored
from nexusdev.errors import IdentityMismatch, InvalidState, NotFound
from nexusdev.instance import trust
from nexusdev.instance.naming import derived_name
from tests.fakes import PUBLIC_AUTHORITY
from tests.unit.env import servers


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "shop" / ".git").mkdir(parents=True)
    return tmp_path / "shop"


@pytest.fixture
def values(tmp_path: Path) -> Iterator[dict[str, str]]:
    tls = servers.authority(tmp_path / "tls")
    with ExitStack() as running:
        port = running.enter_context(servers.serving(tls, servers.vault("n0nce")))
        yield {
            "VAULT_ADDR": f"https://127.0.0.1:{port}",
            "VAULT_TOKEN": "hvs.x",
            "NEXUSDEV_CA_FILE": str(tls / "ca.crt"),
        }


@pytest.fixture
def environ(tmp_path: Path, project: Path, values: dict[str, str]) -> dict[str, str]:
    keep(tmp_path / "state", derived_name(project), values)
    trusting(tmp_path / "state", derived_name(project), values)
    return {"NEXUSDEV_STATE_DIR": str(tmp_path / "state"), "XDG_CONFIG_HOME": str(tmp_path / "config")}


def trusting(root: Path, name: str, values: dict[str, str]) -> None:
    """The bundle of an instance, written for this machine."""
    folder = root / "instances" / name
    (folder / "tls").mkdir()
    (folder / "tls" / "ca.crt").write_bytes(Path(values["NEXUSDEV_CA_FILE"]).read_bytes())
    trust.renew(folder / "client", folder / "tls" / "ca.crt", environ={})


def keep(root: Path, name: str, values: dict[str, str], nonce: str = "n0nce") -> None:
    folder = root / "instances" / name
    folder.mkdir(parents=True)
    views = {"host": values, "container": {**values, "VAULT_ADDR": "https://vault-active:8200"}}
    stored.write(folder, Stored(instance=name, nonce=nonce, views=views, secret=["VAULT_TOKEN"], components=["vault"]))


def test_the_proven_variables_are_printed(
    project: Path, environ: dict[str, str], values: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["env", "-C", str(project)], environ) == 0
    assert capsys.readouterr().out == render(values, "dotenv", instance=derived_name(project))


def test_formats_and_views_are_supported(
    project: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["-C", str(project), "env", "--format=docker", "--view", "container"], environ) == 0
    assert capsys.readouterr().out.startswith("VAULT_ADDR=https://vault-active:8200\n")


def test_an_instance_may_be_named_by_flag_variable_or_file(
    tmp_path: Path,
    project: Path,
    environ: dict[str, str],
    values: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    keep(tmp_path / "state", "demo", {**values, "PGHOST": "demo"})
    trusting(tmp_path / "state", "demo", values)
    assert answer(["env", "-C", str(project), "-i", "demo"], environ) == 0
    assert answer(["env", "-C", str(project)], {**environ, "NEXUSDEV_INSTANCE": "demo"}) == 0
    (project / "nexusdev.toml").write_text('instance = "demo"\n')
    assert answer(["env", "-C", str(project)], environ) == 0
    assert capsys.readouterr().out.count("PGHOST=demo\n") == 3


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["env", "--write"],
        ["env", "--json"],
        ["env", "--help"],
        ["env", "--format"],
        ["env", "--format", "--view"],
        ["env", "env"],
        ["--view", "host"],
        ["run", "--", "env"],
        [],
    ],
)
def test_unusual_arguments_are_left_to_the_full_command(words: list[str]) -> None:
    assert understood(words) is None


@pytest.mark.parametrize("words", [["--format", "nonsense"], ["--view", "k8s"], ["--format", "github"], ["-i", "NO"]])
def test_invalid_arguments_are_left_to_the_full_command(
    project: Path, environ: dict[str, str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(["env", "-C", str(project), *words], environ) is None
    assert capsys.readouterr().out == ""


def test_a_failed_proof_prints_nothing(
    tmp_path: Path, project: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "state" / "instances" / derived_name(project) / stored.FILE
    file.write_text(file.read_text().replace("n0nce", "another"))
    with pytest.raises(FailedProof) as failed:
        answer(["env", "-C", str(project)], environ)
    assert isinstance(failed.value.error, IdentityMismatch)
    assert failed.value.nonce == "another"
    assert answer(["env", "-C", str(project), "--no-proof"], environ) == 0
    assert capsys.readouterr().out.startswith("# Written by nexusdev")


def test_an_outdated_bundle_is_left_to_the_full_command(
    tmp_path: Path, project: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    company = tmp_path / "company.pem"
    company.write_text(PUBLIC_AUTHORITY)
    assert answer(["env", "-C", str(project), "--no-proof"], {**environ, "SSL_CERT_FILE": str(company)}) is None
    assert capsys.readouterr().out == ""


def test_partially_written_variables_point_to_up(tmp_path: Path) -> None:
    (tmp_path / stored.FILE).write_text('{"schema_version": 1, "inst')
    with pytest.raises(InvalidState) as raised:
        stored.read(tmp_path)
    assert "nexusdev up" in raised.value.hint


def test_before_the_first_up_there_are_no_variables(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="has no variables yet"):
        stored.read(tmp_path / "shop-1")


@pytest.mark.parametrize("configured", [False, True])
def test_nothing_heavy_is_imported(project: Path, environ: dict[str, str], configured: bool) -> None:
    """Typer, Rich, dataclasses, msgspec and the clients stay away: together they would take ten times as long as the answer."""
    if configured:
        (project / "nexusdev.toml").write_text("timeout = 200\n")
    script = (
        "import sys; from nexusdev.env.fast import answer; status = answer(sys.argv[1:]);"
        "heavy = {'typer', 'rich', 'click', 'dataclasses', 'msgspec', 'docker', 'cryptography', 'http.client'}"
        " & sys.modules.keys();"
        "sys.exit(f'imported {heavy}' if heavy else status)"
    )
    command = [sys.executable, "-c", script, "env", "-C", str(project)]
    done = subprocess.run(
        command, env={**environ, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unexpected_exception_is_not_swallowed(
    project: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("nexusdev.env.formats.render", explode)
    with pytest.raises(ZeroDivisionError):
        answer(["env", "-C", str(project)], environ)
