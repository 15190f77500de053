"""A project folder that was moved, copied or checked out a second time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.context import Context
from nexusdev.doctor.instance_checks import examine
from nexusdev.env.fast import answer
from nexusdev.errors import IdentityMismatch, NotFound
from nexusdev.events import Note
from nexusdev.instance import trust
from nexusdev.instance.identity import identify
from nexusdev.instance.state import read_record, write_record
from nexusdev.operations import adopt as adoption
from nexusdev.operations.adopt import adopt
from nexusdev.operations.destroy import destroy
from nexusdev.operations.down import down
from nexusdev.operations.dry_run import dry_run
from nexusdev.operations.env import env
from nexusdev.operations.lifecycle import stop
from nexusdev.operations.status import status
from nexusdev.operations.up import up
from tests.fakes import House, shown


def at(house: House, folder: Path, name: str | None = None) -> Context:
    """A run in this folder."""
    base = house.context(env_file=folder / ".env.nexusdev", seed=folder / "seed")
    return replace(base, identity=identify(folder, name, root=base.root))


def folder(house: House, name: str) -> Path:
    made = house.folder / name
    made.mkdir()
    return made


def said(house: House) -> list[str]:
    return [note.text for note in house.heard.of(Note)]


@pytest.fixture
def shop(house: House) -> Path:
    """A project with a running instance."""
    made = folder(house, "shop")
    up(at(house, made))
    return made


def name_at(house: House, folder: Path) -> str:
    return at(house, folder).identity.name


COMMANDS: dict[str, Callable[[Context], object]] = {
    "up": up,
    "up --dry-run": dry_run,
    "status": status,
    "env": lambda context: env(context, proof=False),
    "down": down,
    "destroy": destroy,
    "stop": stop,
}


@pytest.mark.parametrize("command", [*COMMANDS])
def test_a_moved_folder_gets_a_hint_and_no_new_instance(house: House, shop: Path, command: str) -> None:
    name, store = name_at(house, shop), shop.rename(shop.with_name("store"))
    before = dict(house.engine.containers)
    with pytest.raises(IdentityMismatch) as raised:
        COMMANDS[command](at(house, store))
    error = raised.value
    assert error.code == "PROJECT_MOVED"
    assert name in error.message
    assert f"{shop} is this one" in error.why
    assert error.hint.startswith("nexusdev adopt ")
    assert house.engine.containers == before
    assert [each.name for each in (house.context().root / "instances").iterdir()] == [name]


def test_doctor_reports_the_move(house: House, shop: Path) -> None:
    store = shop.rename(shop.with_name("store"))
    (check,) = (each for each in examine(at(house, store)) if each.name == "state")
    assert check.verdict == "failed"
    assert check.fix.startswith("nexusdev adopt")


def test_adopt_makes_the_moved_folder_the_owner(house: House, shop: Path) -> None:
    name, store = name_at(house, shop), shop.rename(shop.with_name("store"))
    containers = set(house.engine.containers)
    assert adoption.question(at(house, store)) is None
    outcome = adopt(at(house, store))
    assert shown(outcome).data == {
        "adopted": True,
        "instance": name,
        "from": str(shop),
        "to": str(store),
        "containers": 3,
        "volumes": 2,
    }
    assert name_at(house, store) == name
    assert shown(up(at(house, store))).data["changed"] is False
    assert set(house.engine.containers) == containers
    down(at(house, store))
    up(at(house, store))
    assert len(house.engine.volumes) == 2
    assert adopt(at(house, store)).adopted is False


def test_the_fast_path_of_env_finds_an_adopted_instance(
    house: House, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, store = name_at(house, shop), shop.rename(shop.with_name("store"))
    adopt(at(house, store))
    instance = at(house, store).instance()
    trust.renew(instance.client_folder, instance.ca_file, environ={})  # for this machine, not for the house's
    environ = {"NEXUSDEV_STATE_DIR": str(house.context().root), "XDG_CONFIG_HOME": str(house.folder)}
    assert answer(["env", "--no-proof", "-C", str(store)], environ) == 0
    assert f"instance {name};" in capsys.readouterr().out


def test_destroying_an_adopted_instance_is_complete(house: House, shop: Path) -> None:
    name, store = name_at(house, shop), shop.rename(shop.with_name("store"))
    adopt(at(house, store))
    destroy(at(house, store))
    assert not house.engine.volumes
    assert name_at(house, store) != name
    shop.mkdir()
    assert name_at(house, shop) == name
    assert shown(up(at(house, store))).data["changed"] is True


def test_a_new_folder_at_the_old_path_is_separate_from_the_adopted_instance(house: House, shop: Path) -> None:
    name, store = name_at(house, shop), shop.rename(shop.with_name("store"))
    adopt(at(house, store))
    shop.mkdir()
    second = name_at(house, shop)
    assert second != name
    up(at(house, shop))
    down(at(house, store))
    assert {cell.instance for cell in house.engine.containers.values()} == {second}
    third = store.rename(store.with_name("third"))
    adopt(at(house, third))
    assert (name_at(house, shop), name_at(house, third)) == (second, name)


def test_a_folder_moved_back_gets_its_name_back(house: House, shop: Path) -> None:
    name, store = name_at(house, shop), shop.rename(shop.with_name("store"))
    adopt(at(house, store))
    store.rename(shop)
    adopt(at(house, shop))
    assert name_at(house, shop) == name
    assert shown(up(at(house, shop))).data["changed"] is False
    assert name_at(house, folder(house, "store")) != name


def test_a_renamed_parent_moves_its_projects(house: House) -> None:
    work = folder(house, "work")
    project = work / "shop"
    project.mkdir()
    up(at(house, project))
    moved = work.rename(work.with_name("projects")) / "shop"
    adopt(at(house, moved))
    assert shown(up(at(house, moved))).data["changed"] is False


def test_a_link_at_the_old_path_does_not_hide_the_move(house: House, shop: Path) -> None:
    store = shop.rename(shop.with_name("store"))
    shop.symlink_to(store)
    assert adopt(at(house, store)).adopted is True


def test_another_folder_at_the_old_path_does_not_hide_the_move(house: House, shop: Path) -> None:
    store = shop.rename(shop.with_name("store"))
    shop.mkdir()
    assert adopt(at(house, store)).adopted is True


def test_a_copy_gets_its_own_instance_with_one_note(house: House, shop: Path) -> None:
    copy = Path(shutil.copytree(shop, shop.with_name("copy")))
    up(at(house, copy))
    own, name = name_at(house, copy), name_at(house, shop)
    expected = (
        f"this folder is a copy of {shop}, which uses instance {name}; a separate instance is created for it: {own}"
    )
    assert said(house) == [expected]
    up(at(house, copy))
    assert said(house) == [expected]


def test_a_worktree_gets_its_own_instance_with_one_note(house: House, shop: Path) -> None:
    tree = folder(house, "tree")
    (tree / ".git").write_text(f"gitdir: {shop}/.git/worktrees/tree\n")
    up(at(house, tree))
    up(at(house, tree))
    (words,) = said(house)
    assert words.startswith(f"this folder is a git worktree of {shop}, ")


def test_adopt_refuses_while_the_original_exists(house: House, shop: Path) -> None:
    copy = Path(shutil.copytree(shop, shop.with_name("copy")))
    assert adoption.question(at(house, copy)) is None
    with pytest.raises(IdentityMismatch) as raised:
        adopt(at(house, copy))
    assert f"nexusdev -C {shop} status" in raised.value.hint
    assert "nexusdev up " in raised.value.hint
    assert name_at(house, copy) != name_at(house, shop)


def test_adopt_refuses_to_hide_existing_data_with_both_solutions(house: House, shop: Path) -> None:
    copy = Path(shutil.copytree(shop, shop.with_name("copy")))
    up(at(house, copy))
    name, own = name_at(house, shop), name_at(house, copy)
    shutil.rmtree(shop)
    with pytest.raises(IdentityMismatch) as raised:
        adopt(at(house, copy, name))
    assert raised.value.hint.splitlines()[0].startswith(f"nexusdev -i {own} destroy ")
    assert f"nexusdev -i {own} up " in raised.value.hint
    destroy(at(house, copy, own))
    assert adopt(at(house, copy, name)).adopted is True
    assert name_at(house, copy) == name


def test_adopt_asks_about_a_possibly_unmounted_folder(house: House, shop: Path) -> None:
    copy = Path(shutil.copytree(shop, shop.with_name("copy")))
    state = house.context().root / "instances" / name_at(house, shop)
    record = read_record(state)
    assert record is not None
    write_record(state, replace(record, mount="/mnt/usb", inode=0))
    shutil.rmtree(shop)
    with pytest.raises(IdentityMismatch, match="may have been moved"):
        up(at(house, copy))
    asked = adoption.question(at(house, copy))
    assert asked is not None
    assert "/mnt/usb, which is not mounted now" in asked


def test_an_instance_without_its_folder_is_adopted_by_name(house: House, shop: Path) -> None:
    up(at(house, folder(house, "first"), "demo"))
    second = house.folder / "first"
    second = second.rename(second.with_name("second"))
    for act in (up, dry_run):
        with pytest.raises(IdentityMismatch) as raised:
            act(at(house, second, "demo"))
        assert raised.value.hint.startswith("nexusdev -i demo adopt ")
    adopt(at(house, second, "demo"))
    assert shown(up(at(house, second, "demo"))).data["changed"] is False


def test_adopt_without_a_former_instance_raises_not_found(house: House) -> None:
    with pytest.raises(NotFound, match="there is nothing to adopt"):
        adopt(at(house, folder(house, "new")))
    with pytest.raises(NotFound, match="instance other not found"):
        adopt(at(house, house.folder / "new", "other"))
