"""Files are written whole or not at all, whatever the umask, and what refuses them is said."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nexusdev.errors import InvalidState, NexusError, StorageFailed
from nexusdev.util import files


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids=oct)
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("_umask")
def test_modes_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    files.make_folder(tmp_path / "state" / "instances" / "shop")
    file = tmp_path / "state" / "instances" / "shop" / "passwd"
    files.replace(file, "x", mode=0o644)
    assert mode(file) == 0o644
    made = [tmp_path / "state", tmp_path / "state" / "instances", file.parent]
    assert [mode(each) for each in made] == [0o700] * 3


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "DISK_FULL"), (errno.EDQUOT, "DISK_FULL"), (errno.EROFS, "STORAGE_FAILED")]
)
def test_a_refused_file_is_named_with_a_hint(tmp_path: Path, number: int, code: str) -> None:
    file = tmp_path / "instance.json"
    with pytest.raises(StorageFailed) as caught, files.explained(file, 4096):
        raise OSError(number, os.strerror(number))
    error = caught.value
    assert (error.code, error.exit_status, error.errno) == (code, 5, number)
    assert str(error) == error.message
    assert error.message.startswith(f"failed to write {file}: ")
    assert str(tmp_path) in error.hint
    if code == "DISK_FULL":
        assert error.why.startswith("4.1kB to write, ")


def test_a_full_disk_reports_the_free_space(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="no space left on device") as caught, files.explained(tmp_path / "a", 10):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert f"B free in {tmp_path}" in caught.value.why


def test_a_file_in_a_read_only_folder_is_a_nexus_error_and_an_os_error() -> None:
    with pytest.raises(NexusError) as caught:
        files.replace(Path("/proc/nothing"), "x")
    assert isinstance(caught.value, OSError)
    assert caught.value.message.startswith("failed to write /proc/nothing: ")


def test_an_uncreatable_folder_names_the_setting() -> None:
    with pytest.raises(InvalidState, match="failed to create the state folder /proc/nothing/a"):
        files.make_folder(Path("/proc/nothing/a"))


def test_concurrent_writers_of_a_file_do_not_interfere(tmp_path: Path) -> None:
    with ThreadPoolExecutor(max_workers=8) as pool:
        for _ in pool.map(lambda number: files.replace(tmp_path / "a", f"{number}" * 1000), range(200)):
            pass
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
    assert len((tmp_path / "a").read_text()) in (1000, 2000, 3000)
