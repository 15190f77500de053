"""Who an instance is follows from where its project is."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.errors import IdentityMismatch, NotFound, UsageError
from nexusdev.instance.identity import Identity, find_project, identify, require_owner


def folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def test_the_same_folder_always_has_the_same_name(tmp_path: Path) -> None:
    shop = folder(tmp_path / "My Shop")
    assert identify(shop) == identify(shop)
    assert identify(shop).name.startswith("my-shop-")
    assert identify(shop).compose_project == f"nexusdev-{identify(shop).name}"


def test_two_checkouts_of_a_project_have_different_names(tmp_path: Path) -> None:
    one, two = folder(tmp_path / "a" / "shop"), folder(tmp_path / "b" / "shop")
    assert identify(one).name != identify(two).name


def test_a_link_resolves_to_the_folder(tmp_path: Path) -> None:
    shop = folder(tmp_path / "shop")
    (tmp_path / "link").symlink_to(shop)
    assert identify(find_project(tmp_path / "link")) == identify(find_project(shop))


def test_a_folder_without_letters_gets_a_name(tmp_path: Path) -> None:
    assert identify(folder(tmp_path / "日本")).name.startswith("project-")


def test_a_long_name_is_truncated_and_stays_valid(tmp_path: Path) -> None:
    name = identify(folder(tmp_path / ("long-" * 20))).name
    assert identify(tmp_path, name).name == name


@pytest.mark.parametrize("mark", [".git", "nexusdev.toml", "pyproject.toml"])
def test_the_nearest_folder_with_a_marker_is_the_project(tmp_path: Path, mark: str) -> None:
    inner = folder(tmp_path / "shop" / "src" / "deep")
    (tmp_path / "shop" / mark).write_text("[tool.nexusdev]\n")
    assert find_project(inner) == tmp_path / "shop"


def test_a_pyproject_without_the_table_is_no_marker(tmp_path: Path) -> None:
    inner = folder(tmp_path / "shop" / "src")
    (tmp_path / "shop" / ".git").mkdir()
    (inner / "pyproject.toml").write_text("[tool.ruff]\n# [tool.nexusdev]\n")
    assert find_project(inner) == tmp_path / "shop"


def test_a_missing_folder_raises_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"folder .* does not exist"):
        find_project(tmp_path / "nowhere")


def test_a_file_is_no_project_folder(tmp_path: Path) -> None:
    file = tmp_path / "shop"
    file.touch()
    for path, said in ((file, "is not a folder"), (file / "inner", "does not exist")):
        with pytest.raises(NotFound, match=said):
            find_project(path)


@pytest.mark.parametrize("name", ["a", "shop-2", "0", "a" * 32])
def test_valid_names_are_accepted(tmp_path: Path, name: str) -> None:
    assert identify(tmp_path, name) == Identity(name=name, project=tmp_path, explicit=True)


@pytest.mark.parametrize("name", ["My Shop", "-a", "a-", "a_b", "../x", "a" * 33, "é"])
def test_refused_names_suggest_a_valid_one(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="invalid instance name"):
        identify(tmp_path, name)


def test_a_third_checkout_is_refused_with_both_paths_and_a_hint(tmp_path: Path) -> None:
    with pytest.raises(IdentityMismatch) as raised:
        require_owner(identify(tmp_path / "mine", "demo"), "/home/ann/theirs")
    assert raised.value.exit_status == 9
    assert "/home/ann/theirs" in raised.value.why
    assert str(tmp_path / "mine") in raised.value.why
    assert "nexusdev -i demo-2 up" in raised.value.hint
