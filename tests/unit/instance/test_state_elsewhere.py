"""Where the state of an instance is, when it is not where this run looks."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from nexusdev.errors import InvalidState
from nexusdev.instance import state_elsewhere
from nexusdev.runtimes.docker.plan.inventory import OwnedResource, by_instance


def volume(state_path: str = "", number: int = 0) -> OwnedResource:
    return OwnedResource(kind="volume", name=f"v{number}", instance="shop", state_path=state_path)


def made_state(root: Path) -> Path:
    folder = root / "instances" / "shop"
    folder.mkdir(parents=True)
    (folder / "instance.json").write_text("{}")
    return folder


def explained(tmp_path: Path, *things: OwnedResource, homes: tuple[Path, ...] = ()) -> InvalidState:
    found = state_elsewhere.explained(
        "shop", by_instance(things)["shop"], root=tmp_path / "here", project=tmp_path, homes=homes
    )
    assert found is not None
    return found


def test_no_resources_or_only_a_network_is_no_problem(tmp_path: Path) -> None:
    network = OwnedResource(kind="network", name="n", instance="shop")
    assert (
        state_elsewhere.explained("shop", by_instance((network,))["shop"], root=tmp_path, project=tmp_path, homes=())
        is None
    )


def test_a_state_in_another_folder_is_named_with_the_variable_to_set(tmp_path: Path) -> None:
    folder = made_state(tmp_path / "my state")
    error = explained(tmp_path, volume(str(folder)))
    assert error.code == "STATE_ELSEWHERE"
    assert error.exit_status == 12
    assert str(folder) in error.message
    assert error.hint.startswith(f"NEXUSDEV_STATE_DIR='{tmp_path}/my state' nexusdev ")
    assert "destroy" not in error.hint


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make folders of others")
@pytest.mark.parametrize("usual", [True, False])
def test_a_state_of_another_user_is_reached_as_that_user(tmp_path: Path, usual: bool) -> None:
    other = pwd.getpwnam("nobody")
    root = tmp_path / ".local" / "state" / "nexusdev"
    folder = made_state(root)
    os.chown(folder, other.pw_uid, other.pw_gid)
    home = tmp_path if usual else tmp_path / "elsewhere"
    found = state_elsewhere.explained(
        "shop",
        by_instance((volume(str(folder)),))["shop"],
        root=tmp_path / "here",
        project=tmp_path,
        homes=(),
        home_of=lambda _: home,
    )
    assert found is not None
    hint = found.hint
    between = "" if usual else f"NEXUSDEV_STATE_DIR={root} "
    assert hint.startswith(f"sudo -u nobody -H {between}nexusdev ")


def test_an_inaccessible_state_is_not_called_lost(tmp_path: Path) -> None:
    impossible = tmp_path / ("x" * 300) / "instances" / "shop"
    assert explained(tmp_path, volume(str(impossible))).code == "STATE_ELSEWHERE"


def test_data_without_a_label_is_found_in_the_default_locations(tmp_path: Path) -> None:
    folder = made_state(tmp_path / "home" / ".local" / "state" / "nexusdev")
    error = explained(tmp_path, volume(), homes=(tmp_path / "nobody", tmp_path / "home"))
    assert (error.code, str(folder) in error.message) == ("STATE_ELSEWHERE", True)


@pytest.mark.parametrize("labelled", [True, False])
def test_a_lost_state_error_suggests_destroy_last(tmp_path: Path, labelled: bool) -> None:
    was = str(tmp_path / "gone" / "instances" / "shop")
    error = explained(tmp_path, *(volume(was if labelled else "", number) for number in range(8)))
    assert error.code == "STATE_LOST"
    assert (was in error.why) is labelled
    ways = error.hint.splitlines()
    assert len(ways) >= 2
    assert [way.startswith("nexusdev -i shop destroy") for way in ways] == [False] * (len(ways) - 1) + [True]
    assert error.evidence[-1] == "… and 2 more"


def test_a_label_takes_precedence_over_the_default_location(tmp_path: Path) -> None:
    made_state(tmp_path / "home" / ".local" / "state" / "nexusdev")
    was = str(tmp_path / "gone" / "instances" / "shop")
    assert explained(tmp_path, volume(was), homes=(tmp_path / "home",)).code == "STATE_LOST"
