"""kind and kubectl: from the PATH if they fit, else out of an image, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.errors import PreflightFailed
from nexusdev.runtimes.image_store import BuildMounts
from nexusdev.runtimes.kind.tools import Tools
from nexusdev.runtimes.kind.versions import ProgramVersion
from nexusdev.runtimes.memory.images import MemoryBuildContainer, MemoryImages
from tests.unit.runtimes.kind.fakes import FakeMachine

CLUSTER = ProgramVersion(1, 34)
IMAGE = "nexusdev/kind-node:1.34-abc"


class Store(MemoryImages, kw_only=True):
    """An image whose containers have a kubectl and a kind."""

    def create_build_container(self, image: str, *, name: str, mounts: BuildMounts) -> MemoryBuildContainer:
        container = MemoryImages.create_build_container(self, image, name=name, mounts=mounts)
        for program in ("/usr/bin/kubectl", "/usr/local/bin/kind"):
            container.files[program] = b"\x7fELF"
        return container


def tools(machine: FakeMachine, folder: Path, *, on_path: bool, store: MemoryImages | None = None) -> Tools:
    found = store or Store()
    return Tools(
        commands=machine, store=lambda: found, folder=folder, which=lambda name: f"/usr/bin/{name}" if on_path else None
    )


def with_image() -> Store:
    store = Store(published={IMAGE: "sha256:1"})
    store.pull(IMAGE, None, lambda _: None)
    return store


def test_a_fitting_program_of_the_machine_is_used(tmp_path: Path) -> None:
    machine = FakeMachine()
    machine.programs["/usr/bin/kubectl"] = "Client Version: v1.34.1"
    found = tools(machine, tmp_path, on_path=True).kubectl(IMAGE, CLUSTER)
    assert (found.path, found.version, found.origin) == (Path("/usr/bin/kubectl"), ProgramVersion(1, 34, 1), "PATH")


@pytest.mark.parametrize("on_path", [True, False])
def test_another_one_is_taken_out_of_the_image_once(tmp_path: Path, on_path: bool) -> None:
    machine, store = FakeMachine(), with_image()
    machine.programs["/usr/bin/kubectl"] = "Client Version: v1.32.4"
    wanted = tools(machine, tmp_path, on_path=on_path, store=store)
    identifier = store.find(IMAGE)
    assert identifier is not None
    target = tmp_path / identifier.id.removeprefix("sha256:")[:12] / "kubectl"
    machine.programs[str(target)] = "Client Version: v1.34.4"
    for _ in range(2):
        found = wanted.kubectl(IMAGE, CLUSTER)
        assert (found.path, found.origin) == (target, IMAGE)
    assert target.read_bytes() == b"\x7fELF"
    assert target.stat().st_mode & 0o777 == 0o755
    assert len(store.opened) == 1


def test_a_machine_without_kind_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(PreflightFailed) as caught:
        tools(FakeMachine(), tmp_path, on_path=False).kind("nexusdev/kind-cli:0.30-abc")
    assert caught.value.code == "KIND_MISSING"
    assert caught.value.why == "it is not on the PATH; the image nexusdev/kind-cli:0.30-abc is not in the engine"
    assert caught.value.hint.startswith("nexusdev images build kind-cli ")


def test_an_old_kind_is_named_with_its_version(tmp_path: Path) -> None:
    machine = FakeMachine()
    machine.programs["/usr/bin/kind"] = "kind v0.20.0 go1.20 linux/amd64"
    with pytest.raises(PreflightFailed) as caught:
        tools(machine, tmp_path, on_path=True).kind("nexusdev/kind-cli:0.30-abc")
    assert "/usr/bin/kind: it is v0.20.0, and at least v0.24 is needed" in caught.value.why
