"""Settings: the nearest decision wins, each knows where it came from, and a typing error is told with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.errors import InvalidConfig
from nexusdev.settings import KEYS, Settings, load


def settings(project: Path, flags: dict[str, object] | None = None, environ: dict[str, str] | None = None) -> Settings:
    return load(project, flags=flags, environ=environ or {}, user_config=project / "user.toml")


def test_settings_have_defaults(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert (found.runtime, found.timeout, found.parallel) == ("docker", 300.0, 4)
    assert found.env_file == tmp_path / ".env.nexusdev"
    assert {origin for _, _, origin in found.rows()} == {"default"}


def test_precedence_is_flag_environment_project_user_default(tmp_path: Path) -> None:
    (tmp_path / "user.toml").write_text("timeout = 1\nparallel = 1\noffline = true\nstrict = true\n")
    (tmp_path / "nexusdev.toml").write_text("timeout = 2\nparallel = 2\noffline = false\n")
    found = settings(tmp_path, {"timeout": "4s"}, {"NEXUSDEV_TIMEOUT": "3", "NEXUSDEV_PARALLEL": "3"})
    assert (found.timeout, found.parallel, found.offline, found.strict) == (4.0, 3, False, True)
    assert found.origins == {
        "timeout": "--timeout",
        "parallel": "NEXUSDEV_PARALLEL",
        "offline": "nexusdev.toml:3",
        "strict": "user.toml:4",
    }


def test_an_omitted_flag_has_no_effect(tmp_path: Path) -> None:
    assert settings(tmp_path, {"instance": None}).origins == {}


def test_pyproject_may_have_settings(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\ntimeout = 1\n\n[tool.nexusdev]\ntimeout = "2m"\n')
    found = settings(tmp_path)
    assert found.timeout == 120
    assert found.origins == {"timeout": "pyproject.toml:6"}


def test_two_settings_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.nexusdev]\n")
    (tmp_path / "nexusdev.toml").write_text("")
    with pytest.raises(InvalidConfig, match="two configuration files"):
        settings(tmp_path)


def test_an_unknown_key_is_reported_with_file_line_and_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "nexusdev.toml").write_text("# mine\ntimout = 5\n")
    with pytest.raises(InvalidConfig) as raised:
        settings(tmp_path)
    assert f"{tmp_path / 'nexusdev.toml'}:2: unknown setting 'timout'" in raised.value.message
    assert raised.value.why == "did you mean timeout?"
    assert raised.value.exit_status == 12


def test_a_key_with_a_hyphen_suggests_the_underscore(tmp_path: Path) -> None:
    (tmp_path / "nexusdev.toml").write_text('env-file = ".env"\n')
    with pytest.raises(InvalidConfig) as raised:
        settings(tmp_path)
    assert raised.value.why == "did you mean env_file?"


def test_an_unknown_table_is_an_unknown_key(tmp_path: Path) -> None:
    (tmp_path / "nexusdev.toml").write_text("timeout = 5\n\n[redis]\nport = 1\n")
    with pytest.raises(InvalidConfig, match=r"nexusdev\.toml:3: unknown setting 'redis'"):
        settings(tmp_path)


def test_a_misspelled_variable_is_reported_and_foreign_ones_are_ignored(tmp_path: Path) -> None:
    settings(tmp_path, environ={"NEXUSDEV_CA_FILE": "/x", "NEXUSDEV_STATE_DIR": "/y", "OTHER_TIMEOUT": "z"})
    with pytest.raises(InvalidConfig) as raised:
        settings(tmp_path, environ={"NEXUSDEV_TIMOUT": "5"})
    assert raised.value.why == "did you mean NEXUSDEV_TIMEOUT?"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("instance", "My Shop"),
        ("runtime", "podman"),
        ("timeout", "soon"),
        ("timeout", "0"),
        ("timeout", True),
        ("env_file", ""),
        ("image_sources", ["registry", "ftp"]),
        ("image_sources", []),
        ("offline", "perhaps"),
        ("parallel", 0),
        ("parallel", 1.5),
        ("seed", 3),
    ],
)
def test_an_invalid_value_names_the_expected_one(tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises(InvalidConfig, match=f"{key} must be"):
        settings(tmp_path, {key: value})


def test_an_unknown_runtime_is_reported_with_origin_and_suggestion(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig) as raised:
        settings(tmp_path, environ={"NEXUSDEV_RUNTIME": "dokcer"})
    assert raised.value.message == "NEXUSDEV_RUNTIME: runtime must be docker, kind or kubernetes"
    assert raised.value.why == "it is 'dokcer'; did you mean docker?"
    assert raised.value.evidence == ("known: docker, kind, kubernetes",)
    assert raised.value.exit_status == 12


def test_an_unknown_runtime_in_a_file_is_reported_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "nexusdev.toml").write_text('# ours\nruntime = "podman"\n')
    with pytest.raises(InvalidConfig, match=r"^nexusdev\.toml:2: runtime must be docker, kind or kubernetes$"):
        settings(tmp_path)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("2 h", 7200), ("1h30m", 5400)])
def test_times_may_have_a_unit(tmp_path: Path, text: str, seconds: float) -> None:
    assert settings(tmp_path, environ={"NEXUSDEV_TIMEOUT": text}).timeout == seconds


def test_invalid_toml_is_reported_with_its_position(tmp_path: Path) -> None:
    (tmp_path / "nexusdev.toml").write_text("timeout = \n")
    with pytest.raises(InvalidConfig) as raised:
        settings(tmp_path)
    assert "line 1" in raised.value.why


def test_relative_paths_start_at_the_project_or_for_flags_at_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    (tmp_path / "nexusdev.toml").write_text('env_file = "a.env"\nseed = "/srv/seed"\n')
    assert settings(tmp_path).env_file == tmp_path / "a.env"
    assert settings(tmp_path).seed == Path("/srv/seed")
    assert settings(tmp_path, {"env_file": Path("b.env")}).env_file == tmp_path / "sub" / "b.env"


def test_every_key_can_come_from_the_environment(tmp_path: Path) -> None:
    values = {
        "instance": "demo",
        "runtime": "docker",
        "timeout": "5",
        "env_file": "x",
        "seed": "y",
        "image_sources": "build,registry",
        "offline": "yes",
        "parallel": "2",
        "strict": "1",
        "profile": "core",
        "subnet": "172.30.0.0/16",
        "context": "team",
        "namespace": "shop",
        "storage_class": "fast",
        "storage_size": "2Gi",
        "reach": "node-port",
        "registry": "registry:5000/team/",
        "pull_secret": "pull",
        "include": "a.yaml,b.yaml",
    }
    assert set(values) == set(KEYS)
    found = settings(tmp_path, environ={f"NEXUSDEV_{key.upper()}": value for key, value in values.items()})
    assert set(found.origins) == set(KEYS)
    assert found.image_sources == ("build", "registry")
    assert found.registry == "registry:5000/team"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("context", "--all"),
        ("namespace", "Shop"),
        ("namespace", "a" * 64),
        ("storage_class", "a/b"),
        ("storage_size", "2"),
        ("storage_size", "0Gi"),
        ("reach", "ingress"),
        ("registry", "https://registry"),
        ("pull_secret", "Pull"),
    ],
)
def test_what_no_cluster_would_take_is_refused(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(InvalidConfig, match=f"NEXUSDEV_{key.upper()}: {key} must be"):
        settings(tmp_path, environ={f"NEXUSDEV_{key.upper()}": value})


def test_a_context_for_a_runtime_without_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="--context is not used by the runtime docker"):
        settings(tmp_path, {"context": "team"})
    assert settings(tmp_path, environ={"NEXUSDEV_CONTEXT": "team"}).runtime == "docker"
    assert settings(tmp_path, {"context": "team", "runtime": "kubernetes"}).context == "team"


@pytest.mark.parametrize("value", ["172.30.0.0/16", "10.1.2.0/24", "10.0.0.0/8"])
def test_a_private_range_of_addresses_is_a_subnet(tmp_path: Path, value: str) -> None:
    assert settings(tmp_path, environ={"NEXUSDEV_SUBNET": value}).subnet == value


@pytest.mark.parametrize("value", ["8.8.0.0/16", "10.1.2.0/25", "10.1.2.3/16", "0.0.0.0/0", "fd00::/16", "x"])
def test_a_subnet_must_be_a_private_range(tmp_path: Path, value: str) -> None:
    with pytest.raises(InvalidConfig, match="NEXUSDEV_SUBNET: subnet must be a private range"):
        settings(tmp_path, environ={"NEXUSDEV_SUBNET": value})


def test_own_services_are_included_in_the_table_of_the_stack(tmp_path: Path) -> None:
    (tmp_path / "nexusdev.toml").write_text(
        'timeout = 5\n\n[stack]\ninclude = ["compose.dev.yaml", "/srv/more.yaml"]\n'
    )
    found = settings(tmp_path)
    assert found.include == (tmp_path / "compose.dev.yaml", Path("/srv/more.yaml"))
    assert found.origins == {"timeout": "nexusdev.toml:1", "include": "nexusdev.toml:4"}


def test_pyproject_has_the_same_table(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.nexusdev]\n\n[tool.nexusdev.stack]\ninclude = ["a.yaml"]\n')
    assert settings(tmp_path).include == (tmp_path / "a.yaml",)
    assert settings(tmp_path).origins == {"include": "pyproject.toml:4"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('include = ["a.yaml"]\n', ":1: include must be in the table [stack]"),
        ("\n[stack]\ntimeout = 3\n", ":3: timeout must be at the top of the file, outside every table"),
        ("[stack]\ninclud = []\n", ":2: unknown setting 'includ'"),
        ("[stack]\ninclude = [1]\n", "nexusdev.toml:2: include must be a list of paths"),
    ],
)
def test_an_invalid_table_or_value_is_reported_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "nexusdev.toml").write_text(text)
    with pytest.raises(InvalidConfig) as raised:
        settings(tmp_path)
    assert message in raised.value.message
