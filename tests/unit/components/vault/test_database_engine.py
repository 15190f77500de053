"""Vault issues logins of a database: it alone knows the password of its own login, whatever was interrupted, lost or replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from nexusdev.components.contract import Consumer, Variable
from nexusdev.components.dynamic_logins import DynamicLogins, DynamicRole, IssuedLogin
from nexusdev.components.vault import names
from nexusdev.errors import Degraded, SeedingFailed
from nexusdev.interfaces import InstanceAccess, View
from tests.unit.components.vault.core import Core
from tests.unit.components.vault.world import NODES, Cut, World

PLUGIN = "postgresql-database-plugin"


class Database:
    """A database whose logins are issued. Setting the password of Vault's user is an event that may be the last one."""

    name = "postgres"

    def __init__(self, world: World) -> None:
        self.world = world
        self.plugin = PLUGIN
        self.create: tuple[str, ...] = ("CREATE ROLE",)

    def dynamic_logins(self) -> DynamicLogins:
        def role(name: str, consumer: Consumer) -> DynamicRole:
            return DynamicRole(name=name, consumer=consumer, create=self.create, revoke=("DROP ROLE",))

        roles = (role("nexus-app", Consumer.APPLICATION), role("nexus-migrate", Consumer.MIGRATIONS))
        return DynamicLogins(
            plugin=self.plugin,
            user="nexus_vault",
            url="postgresql://{{username}}:{{password}}@db:5432/shop",
            roles=roles,
            published=("nexus-app", "nexus-migrate"),
        )

    def set_issuer_password(self, access: InstanceAccess, password: str) -> None:
        assert self.world.cluster is not None
        self.world.cluster.database_password = password
        self.world.event("set the issuer's password")

    def dynamic_variables(
        self, access: InstanceAccess, view: View, issued: Mapping[str, IssuedLogin], *, folder: str = ""
    ) -> Sequence[Variable]:
        raise NotImplementedError

    def dynamic_files(self, access: InstanceAccess, view: View, issued: Mapping[str, IssuedLogin]) -> Mapping[str, str]:
        raise NotImplementedError


@pytest.fixture
def world() -> World:
    made = World()
    made.up()
    return made


@pytest.fixture
def core(world: World) -> Core:
    assert world.cluster is not None
    return world.cluster


@pytest.fixture
def database(world: World) -> Database:
    return Database(world)


def connect(world: World, database: Database) -> list[str]:
    return [change.what for change in world.vault.connect_database(world.access, "postgres", database)]


def test_the_first_connection_registers_the_plugin_and_creates_the_roles(world: World, database: Database) -> None:
    assert connect(world, database) == [
        "mounted database at database/",
        f"registered {PLUGIN}",
        "connected Vault to postgres",
        "created database role nexus-app",
        "created database role nexus-migrate",
    ]


def test_a_second_connection_changes_nothing(world: World, core: Core, database: Database) -> None:
    connect(world, database)
    password = core.database_password
    assert connect(world, database) == []
    assert core.database_password == password


def test_the_password_is_in_no_secret_of_the_instance(world: World, core: Core, database: Database) -> None:
    connect(world, database)
    assert core.database_password.startswith("rotated")
    assert core.database_password not in world.secrets.values.values()


def test_vault_gets_a_new_password_if_the_database_was_created_again(
    world: World, core: Core, database: Database
) -> None:
    connect(world, database)
    core.database_password = ""
    assert connect(world, database) == ["connected Vault to postgres"]
    assert core.databases["postgres"]["password"] == core.database_password != ""


@pytest.mark.parametrize(("key", "value"), [("connection_url", "postgresql://elsewhere"), ("allowed_roles", ["*"])])
def test_a_manually_changed_connection_is_restored(
    world: World, core: Core, database: Database, key: str, value: object
) -> None:
    connect(world, database)
    core.databases["postgres"][key] = value
    assert connect(world, database) == ["connected Vault to postgres"]
    assert connect(world, database) == []


def test_a_role_with_other_statements_is_changed(world: World, database: Database) -> None:
    connect(world, database)
    database.create = ("CREATE ROLE", "ALTER ROLE")
    assert connect(world, database) == [
        "changed database role nexus-app",
        "changed database role nexus-migrate",
    ]


def test_a_plugin_that_is_built_in_is_not_registered(world: World, core: Core, database: Database) -> None:
    core.catalog[PLUGIN] = {"builtin": True}
    world.plugin_hash = ""
    assert f"registered {PLUGIN}" not in connect(world, database)


def test_the_plugin_of_a_new_image_is_registered_and_loaded(world: World, core: Core, database: Database) -> None:
    connect(world, database)
    world.plugin_hash = "0ther"
    assert connect(world, database) == [f"registered {PLUGIN}"]
    assert core.catalog[PLUGIN]["sha256"] == "0ther"
    assert "PUT sys/plugins/reload/backend at vault-active" in world.events


def test_an_image_without_the_plugin_is_an_error_that_says_so(world: World, database: Database) -> None:
    world.plugin_hash = ""
    with pytest.raises(SeedingFailed, match=f"Vault has no {PLUGIN}"):
        connect(world, database)


@pytest.mark.parametrize("number", range(1, 10))
def test_an_interrupted_connection_is_finished_by_the_next_one(world: World, database: Database, number: int) -> None:
    world.cut_after = len(world.events) + number
    try:
        connect(world, database)
    except Cut:
        world.up()
        connect(world, database)
    assert connect(world, database) == []
    assert world.roots() == []


def test_the_application_and_a_migration_job_ask_for_their_own_logins(
    world: World, core: Core, database: Database
) -> None:
    connect(world, database)
    issued = world.vault.issue(world.access, database.dynamic_logins().roles)
    assert issued["nexus-app"].token == world.secrets.read(names.APP_TOKEN)
    assert core.tokens[issued["nexus-migrate"].token]["policies"] == [names.MIGRATIONS]
    assert issued["nexus-app"].user.startswith("v-nexus-app")
    assert issued["nexus-app"].seconds == 3600


def test_a_renewal_also_renews_the_token_that_asked(world: World, core: Core, database: Database) -> None:
    connect(world, database)
    issued = world.vault.issue(world.access, database.dynamic_logins().roles)["nexus-migrate"]
    assert world.vault.renew(world.access, issued) == 3600
    assert core.tokens[issued.token]["renewed"] == 1


def test_a_revoked_login_cannot_be_renewed(world: World, core: Core, database: Database) -> None:
    connect(world, database)
    issued = world.vault.issue(world.access, database.dynamic_logins().roles)["nexus-app"]
    world.vault.revoke(world.access, issued)
    assert issued.lease not in core.leases
    with pytest.raises(Degraded, match="Vault issues no logins") as caught:
        world.vault.renew(world.access, issued)
    assert "lease not found" in caught.value.why


def test_without_a_connection_the_error_has_the_words_of_vault(world: World, database: Database) -> None:
    with pytest.raises(Degraded) as caught:
        world.vault.issue(world.access, database.dynamic_logins().roles)
    assert "unknown role: nexus-app" in caught.value.why


def test_a_login_that_was_issued_before_another_one_failed_is_revoked(
    world: World, core: Core, database: Database
) -> None:
    connect(world, database)
    del core.database_roles["nexus-migrate"]
    with pytest.raises(Degraded, match="Vault issues no logins"):
        world.vault.issue(world.access, database.dynamic_logins().roles)
    assert core.leases == {}


def test_a_vault_that_is_down_issues_nothing_and_says_so(world: World, database: Database) -> None:
    connect(world, database)
    world.down = set(NODES)
    with pytest.raises(Degraded, match="Vault issues no logins"):
        world.vault.issue(world.access, database.dynamic_logins().roles)
    with pytest.raises(SeedingFailed, match="stopped answering"):
        connect(world, database)


def test_a_rotation_replaces_the_password_of_the_connection(world: World, core: Core, database: Database) -> None:
    connect(world, database)
    before = core.database_password
    words = [change.what for change in world.vault.rotate(world.access)]
    assert words[-1] == "new password for Vault's login to postgres"
    assert core.database_password != before
    assert connect(world, database) == []
