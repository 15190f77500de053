"""Whether an engine reaches the files, the users and the network of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import docker.errors
import pytest

from nexusdev.runtimes.docker.reach import is_apart, sees

NETWORKS = (
    {"Id": "a" * 64, "Driver": "bridge", "Options": {"com.docker.network.bridge.name": "docker0"}},
    {"Id": "b" * 64, "Driver": "bridge", "Options": {}},
    {"Id": "c" * 64, "Driver": "host", "Options": None},
)


def interfaces(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / "net" / name).mkdir(parents=True)
    return folder / "net"


@pytest.mark.parametrize(
    ("names", "apart"),
    [
        (("lo", "eth0"), True),
        (("lo", "docker0"), False),
        (("lo", f"br-{'b' * 12}"), False),
        (("lo", f"br-{'c' * 12}"), True),
    ],
)
def test_a_container_without_the_bridges_of_the_engine_is_isolated(
    tmp_path: Path, names: tuple[str, ...], apart: bool
) -> None:
    assert is_apart(NETWORKS, interfaces=interfaces(tmp_path, *names), marks=[tmp_path]) is apart


def test_a_host_without_bridges_to_compare_is_not_isolated(tmp_path: Path) -> None:
    here = interfaces(tmp_path, "lo")
    assert not is_apart(NETWORKS, interfaces=here, marks=[tmp_path / "none"])
    assert not is_apart(NETWORKS[2:], interfaces=here, marks=[tmp_path])


class Api:
    """An engine that creates containers, or refuses to."""

    def __init__(self, refuses: str = "", images: tuple[str, ...] = ("sha256:1",)) -> None:
        self.refuses, self.stored = refuses, images
        self.did: list[str] = []
        self.mounted: list[str] = []

    def images(self, **_: Any) -> list[str]:
        return list(self.stored)

    def create_container_from_config(self, config: Any) -> dict[str, str]:
        (mount,) = config["HostConfig"]["Mounts"]
        assert Path(mount["Source"]).is_file()
        self.mounted.append(mount["Source"])
        if self.refuses:
            raise docker.errors.APIError("400", explanation=self.refuses)
        self.did.append(f"create {config['Image'].partition(':')[0]}")
        return {"Id": "1"}

    def remove_container(self, container: str, *, force: bool) -> None:
        self.did.append(f"remove {container}")

    def import_image_from_data(self, _data: bytes, *, repository: str, tag: str) -> None:
        self.did.append(f"import {repository}")

    def remove_image(self, image: str, *, force: bool) -> None:
        self.did.append(f"remove {image.partition(':')[0]}")


def test_a_mountable_folder_is_visible_and_the_check_leaves_nothing(tmp_path: Path) -> None:
    api = Api()
    assert sees(api, tmp_path / "state")
    assert api.did == ["create sha256", "remove 1"]
    assert list((tmp_path / "state").iterdir()) == []


def test_an_engine_without_images_gets_a_temporary_empty_image(tmp_path: Path) -> None:
    api = Api(images=())
    assert sees(api, tmp_path)
    assert api.did == ["import nexusdev/probe", "create nexusdev/probe", "remove 1", "remove nexusdev/probe"]


@pytest.mark.parametrize(
    "words",
    [
        'invalid mount config for type "bind": bind source path does not exist: /state/.probe-1',
        "Mounts denied: The path /state is not shared from the host",
    ],
)
def test_a_folder_unknown_to_the_engine_is_not_visible(tmp_path: Path, words: str) -> None:
    assert not sees(Api(refuses=words), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_other_refusals_are_reported_unchanged(tmp_path: Path) -> None:
    with pytest.raises(docker.errors.APIError):
        sees(Api(refuses="no space left on device"), tmp_path)
    assert list(tmp_path.iterdir()) == []
