"""PostgreSQL without Patroni: it has the settings of Patroni's configuration, and creates its database once."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[4] / "compose" / "postgres"


@pytest.fixture
def single(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script as a module, with its paths below a folder of the test's own."""
    spec = importlib.util.spec_from_file_location("single", FOLDER / "single.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "sockets").mkdir()
    for name, path in {"DATA": "postgresql", "UNFINISHED": "unfinished", "PASSWORD_FILE": "sockets/superuser"}.items():
        monkeypatch.setattr(module, name, tmp_path / path)
    return module


@pytest.fixture
def configuration(single: Any, tmp_path: Path) -> Any:
    """The configuration of the repository, and an initdb that notes its arguments."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "10-patroni.yml").write_text((FOLDER / "patroni.yml").read_text())
    (tmp_path / "etc" / "20-passwords.yml").write_text(
        f"postgresql: {{bin_dir: {tmp_path}, authentication: {{superuser: {{password: secret}}}}}}"
    )
    initdb = tmp_path / "initdb"
    initdb.write_text(
        f'#!/bin/sh\necho "$@" >>{tmp_path}/calls\ncat {tmp_path}/sockets/superuser >>{tmp_path}/passwords\n'
        f"[ ! -e {tmp_path}/fail ] && mkdir -p {tmp_path}/postgresql && echo 17 >{tmp_path}/postgresql/PG_VERSION\n"
    )
    initdb.chmod(0o755)
    return single.read(tmp_path / "etc")


def test_the_settings_are_those_of_the_cluster_and_of_the_node(single: Any, configuration: Any) -> None:
    lines = single.settings(configuration).splitlines()
    assert "listen_addresses = '0.0.0.0'" in lines
    assert "port = '5432'" in lines
    assert "wal_level = 'logical'" in lines  # of the cluster
    assert "ssl_min_protocol_version = 'TLSv1.3'" in lines  # of the node
    assert "synchronous_standby_names" not in "".join(lines)


def test_a_quote_in_a_setting_is_doubled(single: Any) -> None:
    assert single.quoted("it's") == "'it''s'"


def test_the_database_is_created_once_and_its_password_is_no_argument(
    single: Any, configuration: Any, tmp_path: Path
) -> None:
    single.create(configuration)
    single.create(configuration)
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert "--encoding=UTF8" in call
    assert "--data-checksums" in call
    assert "--username=postgres" in call
    assert "secret" not in call
    assert (tmp_path / "passwords").read_text() == "secret"
    assert not single.PASSWORD_FILE.exists()


def test_what_an_interrupted_creation_left_is_removed(single: Any, configuration: Any, tmp_path: Path) -> None:
    (tmp_path / "fail").touch()
    with pytest.raises(Exception, match="initdb"):
        single.create(configuration)
    assert single.UNFINISHED.exists()
    assert not single.PASSWORD_FILE.exists()
    (tmp_path / "fail").unlink()
    single.DATA.mkdir()
    (single.DATA / "half").touch()
    single.create(configuration)
    assert not (single.DATA / "half").exists()
    assert not single.UNFINISHED.exists()
