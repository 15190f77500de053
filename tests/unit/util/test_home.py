"""HOME is the folder of another user, as after ``su`` or ``sudo -u``: one clear line, and never the advice to remove anything."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nexusdev import settings
from nexusdev.env import fast
from nexusdev.errors import InvalidConfig
from nexusdev.instance import paths, state
from nexusdev.util import lock


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder that this process may not enter, whoever runs the tests."""
    home = tmp_path / "home"
    home.mkdir()
    if os.geteuid():
        home.chmod(0)
        yield home
        home.chmod(0o700)
        return

    def refused(name: str) -> Callable[..., object]:
        known = getattr(os, name)

        def call(path: object, *arguments: object, **options: object) -> object:
            if isinstance(path, str | os.PathLike) and Path(path).is_relative_to(home):
                raise PermissionError(13, "Permission denied", str(path))
            return known(path, *arguments, **options)

        return call

    for name in ("stat", "open", "listdir", "scandir"):
        monkeypatch.setattr(os, name, refused(name))
    monkeypatch.setattr("io.open", refused_open(home))
    yield home


def refused_open(home: Path) -> Callable[..., object]:
    import io

    known = io.open

    def call(path: object, *arguments: object, **options: object) -> object:
        if isinstance(path, str | os.PathLike) and Path(path).is_relative_to(home):
            raise PermissionError(13, "Permission denied", str(path))
        return known(path, *arguments, **options)  # type: ignore[call-overload]

    return call


def test_each_reader_says_whose_home_it_is(closed: Path, tmp_path: Path) -> None:
    root = closed / ".local" / "state" / "nexusdev"
    readers: dict[str, Callable[[], object]] = {
        "settings": lambda: settings.load(tmp_path, environ={}, user_config=closed / ".config" / "config.toml"),
        "instances": lambda: list(paths.instances(root)),
        "record": lambda: state.read_record(root / "instances" / "shop"),
        "locks": lambda: lock.holders(root / "locks" / "instance-shop.lock"),
    }
    for name, read in readers.items():
        with pytest.raises(InvalidConfig, match="failed to read") as refused:
            read()
        assert "sudo -H nexusdev" in refused.value.hint, name
        assert "destroy" not in refused.value.hint, name


def test_env_leaves_the_answer_to_the_settings(closed: Path) -> None:
    assert fast._may_exist(closed / ".config" / "config.toml")
    assert not fast._may_exist(closed.parent / "absent")
