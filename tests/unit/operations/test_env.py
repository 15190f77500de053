"""env after up: the same variables for everybody, and errors that say what to type."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field

import pytest

from nexusdev.components.contract import Variable
from nexusdev.environment import stored
from nexusdev.errors import IdentityMismatch, InvalidConfig, NotFound, UsageError
from nexusdev.operations.env import env, values_for_run
from nexusdev.operations.seed import seed
from nexusdev.operations.up import up
from nexusdev.ports import Site, View
from tests.fakes import FakeComponent, House


@dataclass(kw_only=True)
class Spoken(FakeComponent):
    """A component whose variables a test chooses."""

    says: list[Variable] = field(default_factory=list)

    def variables(self, site: Site, view: View) -> list[Variable]:
        return self.says


def test_before_the_first_up_there_is_nothing_to_print(house: House) -> None:
    with pytest.raises(NotFound, match="there is no instance shop"):
        env(house.context())


def test_production_names_come_first_and_our_own_last(house: House) -> None:
    house.redis = Spoken(
        name="redis", says=[Variable(name="REDIS_URL", value="x"), Variable(name="REDIS_HOST", value="h")]
    )
    up(house.context())
    names = list(env(house.context(), proof=False).data["variables"])
    assert names == ["REDIS_HOST", "REDIS_URL", "GATEWAY_PLACE", "NEXUSDEV_INSTANCE", "NEXUSDEV_CA_FILE"]


def test_the_env_file_and_env_say_the_same(house: House) -> None:
    up(house.context())
    assert env(house.context(), proof=False).text == (house.project / ".env.nexusdev").read_text()


def test_a_deleted_env_file_is_written_again_by_an_up_that_has_nothing_else_to_do(house: House) -> None:
    up(house.context())
    (house.project / ".env.nexusdev").unlink()
    again = up(house.context())
    assert not again.data["changed"]
    assert (house.project / ".env.nexusdev").exists()


def test_write_writes_it_anew_and_prints_no_variable(house: House) -> None:
    up(house.context())
    (house.project / ".env.nexusdev").unlink()
    outcome = env(house.context(), proof=False, write=True)
    assert outcome.text == ""
    assert outcome.says == (f"wrote {house.project / '.env.nexusdev'}",)


def test_only_dotenv_seen_from_the_host_is_written(house: House) -> None:
    with pytest.raises(UsageError, match="always dotenv"):
        env(house.context(), style="json", write=True)


def test_a_wrong_format_is_answered_with_the_nearest(house: House) -> None:
    with pytest.raises(UsageError) as raised:
        env(house.context(), style="powershel")
    assert raised.value.hint == "--format powershell"


def test_an_env_file_that_git_tracks_stops_up_before_anything_is_started(house: House) -> None:
    file = house.project / ".env.nexusdev"
    file.write_text("")
    for words in (["init", "-q"], ["add", "-f", file.name]):
        subprocess.run(["git", "-C", str(house.project), *words], check=True)
    with pytest.raises(InvalidConfig, match="is tracked by git"):
        up(house.context())
    assert not house.world.cells


def test_a_value_that_no_file_can_hold_is_named(house: House) -> None:
    house.redis = Spoken(name="redis", says=[Variable(name="REDIS_URL", value="redis://x?a=1&b=2")])
    with pytest.raises(InvalidConfig, match="variable REDIS_URL"):
        up(house.context())


def test_secrets_are_known_to_be_masked_in_a_job_on_github(house: House) -> None:
    house.redis = Spoken(name="redis", says=[Variable(name="REDIS_PASSWORD", value="s3", secret=True)])
    up(house.context())
    assert env(house.context(), style="github", proof=False).masked == ("s3",)
    assert env(house.context(), style="docker", proof=False).masked == ()


def test_the_proof_is_asked_before_anything_is_printed(house: House) -> None:
    up(house.context())
    folder = house.context().instance().folder
    kept = stored.read(folder)
    wrong = {
        **kept.views["host"],
        "VAULT_ADDR": "https://127.0.0.1:1",
        "NEXUSDEV_CA_FILE": str(folder / "tls" / "ca.crt"),
    }
    stored.write(folder, stored.Stored(instance="shop", nonce="x", views={"host": wrong, "container": wrong}))
    with pytest.raises((NotFound, IdentityMismatch)):
        env(house.context())
    assert values_for_run(house.context(), proof=False)["VAULT_ADDR"] == "https://127.0.0.1:1"


def test_up_makes_git_ignore_the_env_file_and_says_so(house: House) -> None:
    subprocess.run(["git", "init", "-q", str(house.project)], check=True)
    assert up(house.context()).warnings == ()
    status = subprocess.run(
        ["git", "-C", str(house.project), "status", "--porcelain"], check=True, capture_output=True, text=True
    )
    assert ".env.nexusdev" not in status.stdout


def test_an_up_with_nothing_to_do_asks_a_repository_that_was_made_since(house: House) -> None:
    up(house.context())
    subprocess.run(["git", "init", "-q", str(house.project)], check=True)
    again = up(house.context())
    assert not again.data["changed"]
    assert "/.env.nexusdev\n" in (house.project / ".git" / "info" / "exclude").read_text()


def test_what_git_cannot_be_made_to_ignore_is_a_warning_of_every_verb_that_writes_it(house: House) -> None:
    subprocess.run(["git", "init", "-q", str(house.project)], check=True)
    (house.project / ".gitignore").write_text("!.env.nexusdev\n")
    for outcome in (up(house.context()), up(house.context()), env(house.context(), proof=False, write=True)):
        [warning] = outcome.warnings
        assert f"git does not ignore {house.project / '.env.nexusdev'}" in warning
    assert "git does not ignore" in seed(house.context()).warnings[0]
