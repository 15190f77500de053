"""One suite for every image store: the one of the engine and the one in memory behave alike."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nexusdev.errors import ImageUnavailable, NotFound
from nexusdev.runtimes.image_store import BuildContainer, BuildMounts, ImageStore, StoredImage
from nexusdev.stack.model import ServiceBuild

MADE = "nexusdev/nxt-img-contract:1"
ROOT = "nexusdev/nxt-img-root:1"


def _tar(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def container(store: ImageStore) -> Iterator[BuildContainer]:
    base = next(tag for image in store.list() for tag in image.tags if tag.startswith("nexusdev/base:"))
    made = store.create_build_container(base, name="nxt-img-contract", mounts=BuildMounts())
    yield made
    made.close()
    for reference in (MADE, ROOT):
        store.untag(reference)


def stored(store: ImageStore, reference: str) -> StoredImage:
    """The image of this name, which must be there."""
    found = store.find(reference)
    assert found is not None, f"{reference} is not in the store"
    return found


def test_a_copied_in_file_can_be_copied_out(container: BuildContainer) -> None:
    container.put(_tar("hello", b"world"), "/usr/local/bin")
    with tarfile.open(fileobj=io.BytesIO(b"".join(container.get("/usr/local/bin/hello")))) as archive:
        member = archive.extractfile("hello")
        assert member is not None
        assert member.read() == b"world"


def test_copying_out_a_missing_file_fails(container: BuildContainer) -> None:
    with pytest.raises(NotFound):
        list(container.get("/nowhere"))


def test_a_committed_image_has_its_labels_and_user(store: ImageStore, container: BuildContainer) -> None:
    made = container.commit(MADE, ["USER 10001:10001"], {"dev.nexus.image": "contract:1"})
    assert stored(store, MADE) == stored(store, made.id)
    assert stored(store, MADE).id == made.id
    assert (made.user, made.labels["dev.nexus.image"]) == ("10001:10001", "contract:1")
    assert MADE in {tag for image in store.list() for tag in image.tags}


def test_a_tag_moves_and_can_be_removed_twice(store: ImageStore, container: BuildContainer) -> None:
    made = container.commit(MADE, [], {})
    store.tag(made.id, ROOT)
    assert stored(store, ROOT).id == made.id
    for _ in range(2):
        store.untag(ROOT)
    assert store.find(ROOT) is None


def test_closing_a_workshop_stops_its_commands_and_is_idempotent(container: BuildContainer) -> None:
    container.close()
    assert container.run("true", user="0", folder="/", environment={}, say=lambda _: None) == -1
    container.close()


def test_a_saved_and_loaded_image_is_unchanged(store: ImageStore, container: BuildContainer) -> None:
    made = container.commit(MADE, [], {"dev.nexus.image": "contract:1"})
    archive = list(store.save([MADE]))
    store.untag(MADE)
    assert store.find(MADE) is None
    store.load(archive)
    assert (stored(store, MADE).id, stored(store, MADE).labels["dev.nexus.image"]) == (made.id, "contract:1")


def test_creating_and_dropping_a_volume_are_idempotent(store: ImageStore) -> None:
    for _ in range(2):
        store.make_volume("nxt-img-volume", {"dev.nexus.cache": "go"})
    assert store.drop_volume("nxt-img-volume") is not None
    assert store.drop_volume("nxt-img-volume") is None


def test_pulling_an_unknown_image_fails(store: ImageStore) -> None:
    with pytest.raises(ImageUnavailable) as caught:
        store.pull("registry.invalid/nothing:1", None, lambda _: None)
    assert caught.value.message == "registry.invalid/nothing:1 cannot be pulled"
    assert caught.value.why


def folder(tmp_path: Path, dockerfile: str) -> ServiceBuild:
    """A folder to build from, with a file that is ignored."""
    made = tmp_path / "service"
    made.mkdir()
    (made / "Dockerfile").write_text(dockerfile)
    (made / ".dockerignore").write_text("# what is local\n*.log\n")
    (made / "app.txt").write_text("one\n")
    return ServiceBuild(folder=made)


def test_a_folder_with_a_dockerfile_is_built_with_labels(
    store: ImageStore, container: BuildContainer, tmp_path: Path
) -> None:
    base = container.commit(ROOT, ["USER 10001:10001"], {})
    said: list[str] = []
    build = folder(tmp_path, f"FROM {ROOT}\nCOPY app.txt /app.txt\n")
    made = store.build(build, MADE, {"dev.nexus.image": "contract:1"}, said.append)
    assert stored(store, MADE).id == made.id != base.id
    assert made.labels["dev.nexus.image"] == "contract:1"
    assert said[0].startswith("Step 1/")
    assert said[0].endswith(f" : FROM {ROOT}")


def test_a_failed_build_reports_its_reason(store: ImageStore, tmp_path: Path) -> None:
    build = folder(tmp_path, "FROM registry.invalid/nothing:1\n")
    with pytest.raises(ImageUnavailable) as caught:
        store.build(build, MADE, {}, lambda _: None)
    assert caught.value.message == f"{MADE} cannot be built"
    assert caught.value.why


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (lambda it: (it / "app.txt").write_text("two\n"), False),
        (lambda it: (it / "new.txt").write_text(""), False),
        (lambda it: (it / "app.txt").chmod(0o755), False),
        (lambda it: (it / "Dockerfile").write_text("FROM other\n"), False),
        (lambda it: (it / "debug.log").write_text("ignored"), True),
        (lambda it: (it / "app.txt").touch(), True),
    ],
)
def test_the_build_digest_changes_with_the_build_context(
    store: ImageStore, tmp_path: Path, change: Callable[[Path], object], same: bool
) -> None:
    build = folder(tmp_path, "FROM base\n")
    before = store.build_digest(build)
    change(build.folder)
    assert (store.build_digest(build) == before) is same
    assert store.build_digest(ServiceBuild(folder=build.folder, args={"A": "1"})) != store.build_digest(build)
