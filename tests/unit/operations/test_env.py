"""env after up: the same variables for everybody, and errors that say what to type."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from nexusdev.components.component_set import ComponentSet
from nexusdev.components.contract import Variable
from nexusdev.components.registry import published_endpoints
from nexusdev.env import stored
from nexusdev.env.fast import FailedProof, answer
from nexusdev.errors import Degraded, IdentityMismatch, InvalidConfig, NotFound, SeedingFailed, UsageError
from nexusdev.events import Note
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.operations.env import env, unset, values_for_run
from nexusdev.operations.seed import seed
from nexusdev.operations.up import up
from nexusdev.wire.endpoint import PublishedEndpoint
from tests.fakes import FakeComponent, House, shown
from tests.unit.env import servers

ALL = ComponentSet()
#: The variables that belong to no component.
OWN = (
    *("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "NODE_OPTIONS"),
    *("NEXUSDEV_TRUST_STORE", "NEXUSDEV_JAVA_OPTIONS"),
    *("NEXUSDEV_INSTANCE", "NEXUSDEV_CA_FILE", "NEXUSDEV_CONTAINER_FILES"),
)


@dataclass(kw_only=True)
class Spoken(FakeComponent):
    """A component whose variables a test chooses."""

    says: list[Variable] = field(default_factory=list)

    def variables(self, access: InstanceAccess, view: View) -> list[Variable]:
        return self.says

    def endpoints(self, values: Mapping[str, str]) -> Iterable[PublishedEndpoint]:
        return published_endpoints(ALL, {each.name: values[each.name] for each in self.says})


def test_env_before_the_first_up_raises_not_found(house: House) -> None:
    with pytest.raises(NotFound, match="instance shop not found"):
        env(house.context())


def test_production_names_come_first_and_own_names_last(house: House) -> None:
    house.redis = Spoken(
        name="redis", says=[Variable(name="REDIS_URL", value="x"), Variable(name="REDIS_HOST", value="h", first=True)]
    )
    up(house.context())
    names = list(shown(env(house.context(), proof=False)).data["variables"])
    assert names == ["REDIS_HOST", "REDIS_URL", "GATEWAY_PLACE", *OWN]


def test_the_env_file_matches_the_env_command(house: House) -> None:
    up(house.context())
    assert env(house.context(), proof=False).text == (house.project / ".env.nexusdev").read_text()


def test_an_instance_that_no_pod_can_reach_gives_no_secrets_for_pods(house: House) -> None:
    up(house.context())
    with pytest.raises(UsageError, match="k8s-secret needs an instance in a cluster"):
        env(house.context(), proof=False, style="k8s-secret")


def test_pods_get_the_variables_of_the_container_view_and_the_files_that_they_name(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    up(house.context())
    monkeypatch.setattr(type(house.context().runtime()), "network", "")
    text = env(house.context(), proof=False, style="k8s-secret", namespace="shop").text
    variables, files = json.loads(text)["items"]
    expected = env(house.context(), proof=False, view="container").variables
    assert variables["stringData"] == {name: value for name, value in expected.items() if name != "NODE_OPTIONS"}
    folder = variables["stringData"]["NEXUSDEV_CONTAINER_FILES"]
    named = {value.removeprefix(f"{folder}/") for value in expected.values() if value.startswith(f"{folder}/")}
    assert named
    assert named <= files["data"].keys()


def test_a_namespace_needs_the_format_for_pods(house: House) -> None:
    up(house.context())
    with pytest.raises(UsageError, match="--namespace needs --format k8s-secret"):
        env(house.context(), proof=False, namespace="shop")


def test_a_no_op_up_rewrites_a_deleted_env_file(house: House) -> None:
    up(house.context())
    (house.project / ".env.nexusdev").unlink()
    again = up(house.context())
    assert not shown(again).data["changed"]
    assert (house.project / ".env.nexusdev").exists()


def test_write_rewrites_the_file_and_prints_no_variable(house: House) -> None:
    up(house.context())
    (house.project / ".env.nexusdev").unlink()
    outcome = env(house.context(), proof=False, write=True)
    assert outcome.text == ""
    assert shown(outcome).output == (f"wrote {house.project / '.env.nexusdev'}",)


def test_only_dotenv_for_the_host_is_written(house: House) -> None:
    with pytest.raises(UsageError, match="always written as dotenv"):
        env(house.context(), style="json", write=True)


def test_an_unknown_format_suggests_the_nearest(house: House) -> None:
    with pytest.raises(UsageError) as raised:
        env(house.context(), style="powershel")
    assert raised.value.hint == "--format powershell"


def test_a_tracked_env_file_stops_up_before_anything_starts(house: House) -> None:
    file = house.project / ".env.nexusdev"
    file.write_text("")
    for words in (["init", "-q"], ["add", "-f", file.name]):
        subprocess.run(["git", "-C", str(house.project), *words], check=True)
    with pytest.raises(InvalidConfig, match="is tracked by git"):
        up(house.context())
    assert not house.engine.containers


def test_an_unrepresentable_value_is_named(house: House) -> None:
    house.redis = Spoken(name="redis", says=[Variable(name="REDIS_URL", value="redis://x?a=1&b=2")])
    with pytest.raises(InvalidConfig, match="variable REDIS_URL"):
        up(house.context())


def test_github_jobs_get_mask_commands_for_secrets(house: House) -> None:
    house.redis = Spoken(name="redis", says=[Variable(name="REDIS_PASSWORD", value="s3", secret=True)])
    up(house.context())
    assert env(house.context(), style="github", proof=False).masked == ("s3",)
    assert env(house.context(), style="docker", proof=False).masked == ()


def test_variables_are_proven_before_printing(house: House) -> None:
    house.redis = Spoken(name="redis", says=[Variable(name="VAULT_ADDR", value="https://127.0.0.1:2")])
    up(house.context())
    folder = house.context().instance().folder
    kept = stored.read(folder)
    wrong = {
        **kept.views["host"],
        "VAULT_ADDR": "https://127.0.0.1:1",
        "NEXUSDEV_CA_FILE": str(folder / "tls" / "ca.crt"),
    }
    stored.write(
        folder,
        stored.Stored(instance="shop", nonce="x", views={"host": wrong, "container": wrong}, components=["redis"]),
    )
    with pytest.raises((NotFound, IdentityMismatch)):
        env(house.context())
    assert values_for_run(house.context(), proof=False)["VAULT_ADDR"] == "https://127.0.0.1:1"


def test_up_excludes_the_env_file_from_git_with_a_note(house: House) -> None:
    subprocess.run(["git", "init", "-q", str(house.project)], check=True)
    assert up(house.context()).warnings == ()
    status = subprocess.run(
        ["git", "-C", str(house.project), "status", "--porcelain"], check=True, capture_output=True, text=True
    )
    assert ".env.nexusdev" not in status.stdout


def test_a_no_op_up_excludes_the_file_in_a_new_repository(house: House) -> None:
    up(house.context())
    subprocess.run(["git", "init", "-q", str(house.project)], check=True)
    again = up(house.context())
    assert not shown(again).data["changed"]
    assert "/.env.nexusdev\n" in (house.project / ".git" / "info" / "exclude").read_text()


def test_an_unexcludable_env_file_is_a_warning_of_every_writing_command(house: House) -> None:
    subprocess.run(["git", "init", "-q", str(house.project)], check=True)
    (house.project / ".gitignore").write_text("!.env.nexusdev\n")
    for outcome in (up(house.context()), up(house.context()), env(house.context(), proof=False, write=True)):
        [warning] = outcome.warnings
        assert f"git does not ignore {house.project / '.env.nexusdev'}" in warning
    assert "git does not ignore" in seed(house.context()).warnings[0]


REDIS = ("REDIS_HOST", "REDIS_PORT", "REDIS_USERNAME", "REDIS_PASSWORD", "REDIS_URL")


def speaking(name: str, **values: str) -> Spoken:
    return Spoken(name=name, says=[Variable(name=each, value=value) for each, value in values.items()])


@pytest.fixture
def typing(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """The house, in the environment that a command line reads."""
    monkeypatch.setenv("NEXUSDEV_STATE_DIR", str(house.folder / "state"))
    return house


@pytest.fixture
def half(typing: House) -> Iterator[House]:
    """An instance whose first ``up`` ended before Redis was seeded; what stands for the other component answers with its nonce."""

    def refuse() -> None:
        raise SeedingFailed("redis does not take its users")

    house = typing
    house.redis = speaking("redis", **dict(zip(REDIS, ("127.0.0.1", "1", "nexus_app", "x", "rediss://x"), strict=True)))
    house.redis.on_seed = refuse
    with pytest.raises(SeedingFailed):
        up(house.context())
    instance = house.context().instance()
    tls = servers.authority(instance.folder / "tls", nonce=instance.nonce)
    with servers.serving(tls, servers.vault(instance.nonce)) as port:
        house.gateway = speaking("gateway", VAULT_ADDR=f"https://127.0.0.1:{port}", VAULT_TOKEN="hvs.x")
        yield house


def test_proven_variables_are_printed_and_others_reported_missing(
    half: House, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = half.type("env")
    assert ran.status == 4
    head, remark, *lines = capsys.readouterr().out.splitlines()
    assert (head[0], remark) == ("#", "# INCOMPLETE: redis not proven.")
    assert [line.partition("=")[0] for line in lines] == [
        *("VAULT_ADDR", "VAULT_TOKEN", *OWN),
    ]
    assert "redis of instance shop is not proven" in ran.err
    assert "REDIS_URL: " in ran.err
    assert "nexusdev wait redis" in ran.err


def test_json_has_proven_and_missing_components(half: House) -> None:
    envelope = json.loads(half.type("env", "--json").out)
    assert (envelope["ok"], envelope["error"]["code"]) == (False, "DEGRADED")
    assert list(envelope["data"]["proven"]) == ["VAULT_ADDR"]
    assert list(envelope["data"]["missing"]) == ["redis"]
    assert "REDIS_HOST" not in envelope["data"]["variables"]


def test_the_env_file_is_only_written_completely(half: House) -> None:
    file = half.project / ".env.nexusdev"
    ran = half.type("env", "--write")
    said = ran.out.replace("\n", "")  # as wide as the terminal of the tests
    assert (ran.status, said, file.exists()) == (4, f"not changed: {file}", False)


def test_a_command_is_not_run_with_incomplete_variables(half: House) -> None:
    with pytest.raises(Degraded, match="redis of instance shop is not proven"):
        values_for_run(half.context())
    assert "REDIS_HOST" in values_for_run(half.context(), proof=False)


def test_no_proof_prints_everything_during_the_first_up(half: House) -> None:
    found = env(half.context(), proof=False)
    assert found.error is None
    assert {"VAULT_ADDR", "REDIS_HOST"} <= shown(found).data["variables"].keys()


def test_a_component_without_variables_is_never_missing(half: House) -> None:
    half.gateway = speaking("gateway")
    with pytest.raises(Degraded, match="redis of instance shop is not proven"):
        env(half.context())


def test_nothing_is_printed_without_a_proof(half: House) -> None:
    half.gateway = speaking("gateway", VAULT_ADDR="https://127.0.0.1:1")
    with pytest.raises(Degraded, match="redis and gateway of instance shop are not proven"):
        env(half.context())


def test_an_unseeded_server_is_missing_and_not_foreign(half: House) -> None:
    tls = half.context().instance().folder / "tls"
    with servers.serving(tls, servers.redis("")) as port:
        half.redis = speaking(
            "redis", **dict(zip(REDIS, ("127.0.0.1", str(port), "a", servers.PASSWORD, "u"), strict=True))
        )
        found = env(half.context())
    assert shown(found).data["missing"] == {"redis": "REDIS_URL: it is not seeded yet"}


def test_another_nonce_is_always_foreign(half: House) -> None:
    tls = half.context().instance().folder / "tls"
    with servers.serving(tls, servers.vault("another")) as port:
        half.gateway = speaking("gateway", VAULT_ADDR=f"https://127.0.0.1:{port}", VAULT_TOKEN="hvs.x")
        with pytest.raises(IdentityMismatch):
            env(half.context())


def test_a_successful_up_leaves_nothing_missing(half: House) -> None:
    half.redis.on_seed = lambda: None
    up(half.context())
    assert shown(env(half.context(), proof=False)).data["missing"] == {}
    assert not stored.expected(half.context().instance().folder)


def test_seed_after_a_failed_up_reports_missing_variables(half: House) -> None:
    half.engine.end(half.container("redis-0"))
    half.engine.end(half.container("redis-1"))
    ran = half.type("seed")
    assert ran.status == 0, ran.err
    assert ".env.nexusdev has no variables for redis" in ran.err


def test_nothing_is_awaited_after_down(half: House) -> None:
    assert half.type("down").status == 0
    with pytest.raises(NotFound, match="has no variables yet"):
        env(half.context())


def test_the_fast_path_leaves_an_incomplete_instance_to_the_full_command(half: House) -> None:
    environ = {"NEXUSDEV_STATE_DIR": str(half.folder / "state")}
    assert answer(["env", "-i", "shop", "-C", str(half.project), "--no-proof"], environ) is None


def test_the_container_view_has_the_mounted_ca_path(house: House) -> None:
    up(house.context())
    found = env(house.context(), view="container", proof=False)
    assert shown(found).data["variables"]["NEXUSDEV_CA_FILE"] == "/run/nexusdev/ca.crt"
    assert shown(found).data["variables"]["SSL_CERT_FILE"] == "/run/nexusdev/bundle.pem"
    files = house.context().instance().client_folder / "container"
    assert shown(found).data["mounts"] == [{"source": str(files), "target": "/run/nexusdev", "read_only": True}]
    assert shown(found).data["network"] == "nexusdev-shop_nexus"


def test_cluster_is_another_name_for_the_container_view(house: House) -> None:
    up(house.context())
    found, same = (env(house.context(), view=name, proof=False) for name in ("cluster", "container"))
    assert (found.view, found.variables) == (same.view, same.variables)


def test_the_mount_hint_is_only_shown_on_a_terminal(typing: House, capsys: pytest.CaptureFixture[str]) -> None:
    house = typing
    up(house.context())
    assert house.type("env", "--view", "container", "--no-proof").err == ""
    for_scripts = capsys.readouterr().out
    told = house.type("env", "--view", "container", "--no-proof", "-v")
    files = house.context().instance().client_folder / "container"
    assert (
        told.err == f"mount the client files: docker run --network nexusdev-shop_nexus -v {files}:/run/nexusdev:ro …\n"
    )
    assert capsys.readouterr().out == for_scripts


def test_the_result_of_the_fast_path_is_reused(house: House) -> None:
    up(house.context())
    kept = stored.read(house.context().instance().folder)
    found = FailedProof(IdentityMismatch("the server is another one"), kept.nonce, kept.views["host"])
    with pytest.raises(IdentityMismatch, match="the server is another one"):
        env(replace(house.context(), failed_proof=found))
    other = FailedProof(IdentityMismatch("the server is another one"), "another nonce", kept.views["host"])
    assert env(replace(house.context(), failed_proof=other)).missing == {}


def test_unset_contacts_no_server(house: House) -> None:
    house.redis = Spoken(name="redis", says=[Variable(name="REDIS_URL", value="x")])
    up(house.context())
    lines = unset(house.context()).text.splitlines()
    assert {"unset REDIS_URL", "unset SSL_CERT_FILE", "unset NEXUSDEV_INSTANCE"} <= set(lines)
    assert "unset NODE_OPTIONS" not in lines
    assert "set -e REDIS_URL" in unset(house.context(), style="fish").text


def test_unset_requires_a_shell_format(house: House) -> None:
    with pytest.raises(UsageError) as raised:
        unset(house.context(), style="shel")
    assert raised.value.hint == "--format shell"


def test_the_unset_option_prints_the_lines(typing: House, capsys: pytest.CaptureFixture[str]) -> None:
    up(typing.context())
    assert typing.type("env", "--unset").status == 0
    assert "unset SSL_CERT_FILE\n" in capsys.readouterr().out


def test_missing_system_authorities_are_reported(house: House) -> None:
    (house.folder / "machine" / "etc" / "ssl" / "certs" / "ca-certificates.crt").unlink()
    up(house.context())
    [told] = [each for each in house.heard.of(Note) if "trusted authorities" in each.text]
    assert told.warning
