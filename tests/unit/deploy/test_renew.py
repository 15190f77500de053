"""What expired is renewed and published; what cannot be renewed leaves the proof its own words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nexusdev.components.contract import Change, Variable
from nexusdev.deploy.renew import renewed
from nexusdev.errors import SeedingFailed
from nexusdev.events import Note
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.operations.env import env
from nexusdev.operations.up import up
from tests.fakes import FakeComponent, House, shown


@dataclass(kw_only=True)
class Expiring(FakeComponent):
    """A component whose token expired; ``unreachable`` when it cannot make another."""

    token: str = "old"
    fresh: str = "new"
    unreachable: bool = False

    def variables(self, access: InstanceAccess, view: View) -> list[Variable]:
        return [Variable(name="VAULT_TOKEN", value=self.token)]

    def refresh(self, access: InstanceAccess) -> Sequence[Change]:
        if self.unreachable:
            raise SeedingFailed("it stopped answering")
        if self.token == self.fresh:
            return []
        self.token = self.fresh
        return [Change(what="issued a new token")]


def token(house: House) -> str:
    found: str = shown(env(house.context(), proof=False)).data["variables"]["VAULT_TOKEN"]
    return found


def test_an_expired_token_is_replaced_in_state_and_env_file(house: House) -> None:
    house.redis = Expiring(name="redis")
    up(house.context())
    assert renewed(house.context(), house.context().instance())
    assert token(house) == "new"
    assert "VAULT_TOKEN=new" in (house.project / ".env.nexusdev").read_text()


def test_a_valid_token_is_left_alone(house: House) -> None:
    house.redis = Expiring(name="redis", token="new")
    up(house.context())
    assert not renewed(house.context(), house.context().instance())


def test_an_unreachable_server_keeps_the_error_of_the_proof(house: House) -> None:
    house.redis = Expiring(name="redis", unreachable=True)
    up(house.context())
    assert not renewed(house.context(), house.context().instance())
    assert token(house) == "old"


def test_nothing_is_renewed_without_expiring_credentials(house: House) -> None:
    up(house.context())
    assert not renewed(house.context(), house.context().instance())


def test_own_services_with_the_old_token_are_named(house: House) -> None:
    house.redis = Expiring(name="redis")
    (house.project / "compose.dev.yaml").write_text(
        "services: {api: {image: 'api:1', depends_on: [redis], x-nexusdev: {env: true}}}"
    )
    house.store.published["api:1"] = "sha256:" + "b" * 64
    context = house.context(include=(house.project / "compose.dev.yaml",))
    up(context)
    assert renewed(context, context.instance())
    (note,) = [each for each in house.heard.of(Note) if "former passwords" in each.text]
    assert (note.warning, note.text.endswith(": api")) == (True, True)
