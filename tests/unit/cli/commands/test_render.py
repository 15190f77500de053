"""nexusdev render k8s, as it is typed: a folder or a stream, without an engine and without an instance."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace

from nexusdev.context import stack_file
from nexusdev.errors import InvalidConfig, StorageFailed
from nexusdev.operations.render import render
from nexusdev.util import files
from tests.fakes import COMPOSE, House

RENDERABLE = COMPOSE.replace(
    "    entrypoint: [serve]\n", "    entrypoint: [serve]\n    user: ${NEXUS_UID}:${NEXUS_GID}\n"
).replace("group: gateway,", "group: gateway-rw,")
WITHOUT_GATEWAY = RENDERABLE[: RENDERABLE.index("  gateway-rw:")] + RENDERABLE[RENDERABLE.index("secrets:") :]


@pytest.fixture
def house(house: House) -> House:
    (house.folder / "compose" / "stack.yaml").write_text(RENDERABLE)
    return house


def test_a_folder_gets_a_file_per_group_and_a_kustomization(house: House) -> None:
    ran = house.type("render", "k8s", "--profile", "cluster", "-o", str(house.folder / "out"))
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == f"wrote 6 files to {house.folder / 'out'}\n"
    written = {str(each.relative_to(house.folder / "out")) for each in (house.folder / "out").rglob("*.yaml")}
    assert written == {
        "kustomization.yaml",
        "namespace.yaml",
        "network-policies.yaml",
        "redis/redis.yaml",
        "gateway/gateway-rw.yaml",
        "secrets.example.yaml",
    }


def test_the_objects_are_one_stream_without_a_folder(house: House) -> None:
    documents = [*yaml.safe_load_all(house.type("render", "k8s", "--profile", "cluster").out)]
    assert {"Namespace", "StatefulSet", "Deployment", "NetworkPolicy"} <= {each["kind"] for each in documents}
    assert not {"Kustomization", "Secret", "Cluster"} & {each["kind"] for each in documents}


def test_json_has_the_files(house: House) -> None:
    envelope = house.type("render", "k8s", "--profile", "cluster", "--json").envelope
    assert (envelope["command"], envelope["ok"], envelope["data"]["profile"]) == ("render k8s", True, "cluster")
    assert envelope["data"]["files"]["namespace.yaml"].startswith("apiVersion: v1\nkind: Namespace\n")


def test_rendering_needs_no_engine_and_creates_no_instance(house: House) -> None:
    house.lose_image("redis")
    assert house.type("render", "k8s", "--profile", "cluster").status == 0
    assert not any((house.folder / "state").iterdir())
    assert house.engine.containers == {}


def test_a_second_call_replaces_files_and_removes_stale_ones(house: House) -> None:
    out = str(house.folder / "out")
    house.type("render", "k8s", "--profile", "cluster", "-o", out)
    (house.folder / "compose" / "stack.yaml").write_text(WITHOUT_GATEWAY)
    ran = house.type("render", "k8s", "--profile", "cluster", "-o", out)
    assert ran.out.splitlines()[1] == "removed, because they are no longer rendered: gateway/gateway-rw.yaml"
    assert not (Path(out) / "gateway").exists()


def test_another_profile_removes_files_of_the_previous_one(real: House) -> None:
    kind, cluster = real.folder / "kind", real.folder / "cluster"
    real.type("render", "k8s", "--profile", "cluster", "-o", str(cluster))
    real.type("render", "k8s", "-o", str(kind))
    assert (kind / "kind-cluster.yaml").exists()
    ran = real.type("render", "k8s", "--profile", "cluster", "-o", str(kind))
    assert ran.status == 0
    assert "kind-cluster.yaml" in ran.out.splitlines()[1]
    assert texts(kind) == texts(cluster)


def texts(folder: Path) -> dict[str, str]:
    return {str(each.relative_to(folder)): each.read_text() for each in folder.rglob("*") if each.is_file()}


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Call it with the number of files after which the disk is full."""

    def fill(room: int) -> None:
        left = iter(range(room))

        def replace(path: Path, content: str, *, mode: int) -> None:
            if next(left, None) is None:
                raise StorageFailed(f"failed to write {path}: no space left on device")
            path.write_text(content)
            path.chmod(mode)

        monkeypatch.setattr(files, "replace", replace)

    return fill


@pytest.mark.parametrize("room", [0, 3, 5])
def test_a_full_disk_leaves_no_index_of_missing_files(house: House, disk: Callable[[int], None], room: int) -> None:
    out = house.folder / "out"
    disk(room)
    assert house.type("render", "k8s", "--profile", "cluster", "-o", str(out)).status == 5
    assert [*out.iterdir()] == []
    disk(99)
    assert house.type("render", "k8s", "--profile", "cluster", "-o", str(out)).status == 0


def test_a_full_disk_keeps_an_earlier_folder_with_its_index(house: House, disk: Callable[[int], None]) -> None:
    out = house.folder / "out"
    house.type("render", "k8s", "--profile", "cluster", "-o", str(out))
    before = texts(out)
    (house.folder / "compose" / "stack.yaml").write_text(WITHOUT_GATEWAY)
    disk(4)
    assert house.type("render", "k8s", "--profile", "cluster", "-o", str(out)).status == 5
    assert before.keys() == texts(out).keys()
    assert texts(out)["kustomization.yaml"] == before["kustomization.yaml"]


def test_a_binary_config_is_an_error_with_file_line_and_key(house: House) -> None:
    own = house.project / "own.yaml"
    (house.project / "logo.bin").write_bytes(b"\x89PNG")
    own.write_text(
        "services:\n  api:\n    image: api:7\n    user: '10001:10001'\n    restart: always\n"
        "    configs:\n      - source: logo\n        target: /logo\nconfigs:\n  logo:\n    file: logo.bin\n"
    )
    with pytest.raises(InvalidConfig) as refused:
        render(house.context(include=(own,)), "k8s", profile="cluster")
    assert "own.yaml:11: configs.logo" in str(refused.value)
    assert "logo.bin is not text in UTF-8 (byte 0)" in refused.value.why


def test_a_folder_with_other_content_is_left_alone(house: House) -> None:
    (house.folder / "out").mkdir()
    (house.folder / "out" / "notes.txt").write_text("mine")
    ran = house.type("render", "k8s", "--profile", "cluster", "-o", str(house.folder / "out"))
    assert ran.status == 2
    assert "has other content" in " ".join(ran.err.split())
    assert [each.name for each in (house.folder / "out").iterdir()] == ["notes.txt"]


def test_an_unknown_profile_suggests_the_nearest(house: House) -> None:
    ran = house.type("render", "k8s", "--profile", "clster")
    assert ran.status == 2
    assert "--profile cluster" in ran.err


def test_unrenderable_content_is_an_error_with_file_line_and_key(house: House) -> None:
    (house.folder / "compose" / "stack.yaml").write_text(COMPOSE)
    ran = house.type("render", "k8s")
    assert ran.status == 12
    assert "stack.yaml:7: services.redis-0: user '' cannot be rendered" in " ".join(ran.err.split())


@pytest.fixture
def real(house: House) -> House:
    """The compose files of the platform."""
    shutil.rmtree(house.folder / "compose")
    shutil.copytree(stack_file().parent, house.folder / "compose")
    return house


def test_the_real_stack_is_rendered_with_all_its_configs(real: House) -> None:
    ran = real.type("render", "k8s", "-o", str(real.folder / "out"))
    assert ran.status == 0
    text = (real.folder / "out" / "postgres" / "postgresql.yaml").read_text()
    assert "nexus:x:10001:10001:nexus:/tmp:/usr/sbin/nologin" in text


def test_own_services_are_rendered_with_the_variables_of_their_files(house: House) -> None:
    own = house.project / "own.yaml"
    own.write_text(
        "services:\n  api:\n    image: ${NEXUSDEV_VAR_IMAGE}\n    user: '10001:10001'\n    restart: always\n"
    )
    context = replace(house.context(include=(own,)), environ={"NEXUSDEV_VAR_IMAGE": "api:7"})
    files = render(context, "k8s", profile="cluster").manifests.files
    assert "image: api:7\n" in files["api/api.yaml"]
