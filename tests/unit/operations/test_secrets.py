"""secrets: seen, shown one by one, and made anew for the application without harm to anybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace as replaced

from nexusdev.components.contract import Change, Consumer, Credentials, Variable
from nexusdev.errors import IdentityMismatch, Locked, NotFound, SeedingFailed, UsageError
from nexusdev.events import Seeded
from nexusdev.instance.identity import Identity
from nexusdev.instance.instance import locked
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.operations.secrets import list_secrets, rotate, show
from nexusdev.operations.up import up
from tests.fakes import FakeComponent, House, shown


@dataclass(kw_only=True)
class Redis(FakeComponent):
    """Has a password that can be rotated."""

    refuses: bool = False

    def variables(self, access: InstanceAccess, view: View) -> Sequence[Variable]:
        return [Variable(name="REDIS_PASSWORD", value=access.secrets.read("redis-app"), secret=True)]

    def credentials(self, access: InstanceAccess) -> Credentials:
        return {Consumer.APPLICATION: {"password": access.secrets.read("redis-app")}}

    def rotate(self, access: InstanceAccess) -> Sequence[Change]:
        if self.refuses:
            raise SeedingFailed("redis does not take a new password")
        access.secrets.write("redis-app", "N" * 32)
        return [Change(what="new password for nexus_app")]


@dataclass(kw_only=True)
class Vault(FakeComponent):
    """Stands where the gateway stands in the small stack, and keeps what it is given."""

    kept: dict[str, Credentials] = field(default_factory=dict)

    def update_credentials(self, access: InstanceAccess, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        self.kept.update(credentials)
        return []


@pytest.fixture
def standing(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A platform that is up; the servers behind the proof are not there, so it is heard and not asked."""
    house.redis = Redis(name="redis")
    up(house.context())
    monkeypatch.setattr(
        "nexusdev.deploy.publisher.prove", lambda _kept, _components: house.redis.calls.append("proof of all")
    )
    return house


def env_file(house: House) -> str:
    return (house.project / ".env.nexusdev").read_text()


def test_the_list_has_names_and_kinds_without_values(standing: House) -> None:
    outcome = list_secrets(standing.context())
    expected = {"name": "redis-app", "kind": "password", "length": 32, "mounted_by": []}
    assert shown(outcome).data["secrets"] == [expected]


def test_one_value_is_shown(standing: House) -> None:
    assert show(standing.context(), "redis-app").value in env_file(standing)


def test_an_unknown_name_suggests_the_nearest(standing: House) -> None:
    with pytest.raises(NotFound) as raised:
        show(standing.context(), "redis-ap")
    assert raised.value.why == "did you mean redis-app?"


def test_a_rotated_password_reaches_the_env_file_and_is_proven(standing: House) -> None:
    outcome = rotate(standing.context())
    assert "REDIS_PASSWORD=" + "N" * 32 in env_file(standing)
    assert shown(outcome).data["changes"] == [{"component": "redis", "what": "new password for nexus_app"}]
    assert standing.redis.calls[-1] == "proof of all"
    assert [event.component for event in standing.heard.of(Seeded)][-1] == "redis"


def test_vault_gets_the_new_password_too(standing: House) -> None:
    vault = Vault(name="vault")
    context = standing.context()
    stack = (standing.folder / "compose" / "stack.yaml").read_text()
    (standing.folder / "compose" / "stack.yaml").write_text(stack.replace("component: gateway", "component: vault"))
    context = replaced(context, components={"redis": standing.redis, "vault": vault})
    up(context)
    rotate(context)
    assert vault.kept["redis"] == {Consumer.APPLICATION: {"password": "N" * 32}}


def test_a_failed_rotation_raises_its_error_and_keeps_the_env_file_valid(standing: House) -> None:
    before = env_file(standing)
    assert isinstance(standing.redis, Redis)
    standing.redis.refuses = True
    with pytest.raises(SeedingFailed):
        rotate(standing.context())
    assert env_file(standing) == before


def test_an_unknown_component_suggests_the_nearest(standing: House) -> None:
    with pytest.raises(UsageError) as raised:
        rotate(standing.context(), ["rediss"])
    assert raised.value.hint == "nexusdev secrets rotate redis"


def test_a_component_without_passwords_has_nothing_to_rotate(standing: House) -> None:
    assert shown(rotate(standing.context(), ["gateway"])).output == ("nothing to rotate",)


def test_rotation_is_refused_while_another_command_runs(standing: House) -> None:
    context = standing.context()
    with locked(context.identity, "nexusdev up", root=context.root), pytest.raises(Locked):
        rotate(context)


def test_another_folder_cannot_rotate(standing: House) -> None:
    stranger = Identity(name="shop", project=standing.folder / "other", explicit=True)
    with pytest.raises(IdentityMismatch):
        rotate(replaced(standing.context(), identity=stranger))
