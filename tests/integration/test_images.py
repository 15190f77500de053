"""Images on the real engine: built, found again, moved to another place, refused with their words; and what must not be in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nexusdev.errors import ImageUnavailable
from nexusdev.images import bundle
from nexusdev.images.images import Images, open_images
from nexusdev.images.lockfile import default_file
from nexusdev.images.lockfile import load as load_lock
from nexusdev.images.tags import tags
from nexusdev.runtimes.docker.connection import engine
from nexusdev.runtimes.docker.images import DockerImages
from nexusdev.runtimes.image_store import BuildMounts
from tests.integration.conftest import Project
from tests.unit.images.workbench import Heard

pytestmark = pytest.mark.integration

PREFIX = "nxt-img"
LOCK = """
schema: 1
images:
  nxt-img-root:
    version: "1"
    sources:
      - registry: registry.invalid/root:1
        digest: null
        why: never asked
  base:
    version: "13"
    internal: true
    sources:
      - build: base
  nxt-img-good:
    version: "1.2"
    programs: [sh, hello]
    check: hello --version
    sources:
      - registry: registry.invalid/hello:1.2
        digest: null
        why: a registry that does not exist
      - build: good
        cache: nxt-img-cache
  nxt-img-bad:
    version: "1"
    sources:
      - build: bad
"""
GOOD = """ARG BASE=nexusdev/base:local
FROM ${BASE} AS build
USER 0
WORKDIR /src
COPY hello ./
RUN chmod 755 hello && echo kept > /cache/kept && test -s "$SSL_CERT_FILE" -o -z "$SSL_CERT_FILE"
FROM ${BASE}
COPY --from=build /src/hello /usr/local/bin/
USER 10001:10001
"""
BAD = """ARG BASE=nexusdev/base:local
FROM ${BASE}
RUN for each in $(seq 40); do echo "line $each"; done; exit 3
USER 10001:10001
"""
BASE = "ARG ROOT=nexusdev/nxt-img-root:local\nFROM ${ROOT}\n"


@pytest.fixture(scope="module")
def store() -> DockerImages:
    return DockerImages(engine())


@pytest.fixture(scope="module")
def folder(make_project: Callable[..., Project]) -> Project:
    """A folder to run commands in; nothing is started there."""
    return make_project("images")


@pytest.fixture
def images(tmp_path: Path, store: DockerImages) -> Iterator[Images]:
    """A small lock whose base is the stack's own, under the tag that this lock gives it."""
    compose = tmp_path / "compose"
    for name, text in {"good": GOOD, "bad": BAD, "base": BASE}.items():
        (compose / name).mkdir(parents=True)
        (compose / name / "Dockerfile").write_text(text)
    (compose / "good" / "hello").write_text("#!/bin/sh\necho hello 1.2\n")
    (compose / "images.lock.yaml").write_text(LOCK)
    made = open_images(tmp_path / "state", connect=lambda: store, lock=compose / "images.lock.yaml")
    real = tags(load_lock(default_file()))["base"]
    stored = store.find(real)
    assert stored is not None
    store.tag(stored.id, made.references["base"])
    yield made
    for name in ("nxt-img-good", "nxt-img-bad"):
        store.untag(f"nexusdev/{name}:local")
        store.untag(made.references[name])
    store.untag(made.references["base"])
    store.drop_volume("nxt-img-cache")


def test_an_image_is_built_once_and_reused(images: Images) -> None:
    [first] = images.ensure(["nxt-img-good"])
    assert first.source == "local build"
    log = (images.logs / "nxt-img-good.log").read_text()
    assert "registry registry.invalid/hello:1.2: " in log
    heard = Heard()
    [second] = images.ensure(["nxt-img-good"], listener=heard)
    assert (second.source, second.id, heard.events) == ("store", first.id, [])


def test_the_image_runs_as_nobody_without_build_leftovers(images: Images, store: DockerImages) -> None:
    images.ensure(["nxt-img-good"])
    found = store.find(images.references["nxt-img-good"])
    assert found is not None
    assert found.user == "10001:10001"
    assert found.labels["dev.nexus.image"] == images.references["nxt-img-good"].removeprefix("nexusdev/")
    workshop = store.create_build_container(found.id, name="nxt-img-look", mounts=BuildMounts())
    output: list[str] = []
    try:
        workshop.run("ls -d /cache /src; ls -A /run", user="0", folder="/", environment={}, say=output.append)
    finally:
        workshop.close()
    assert [line for line in output if "cannot access" not in line] == []


def test_a_failed_build_names_its_image_its_last_lines_and_its_log(images: Images) -> None:
    with pytest.raises(ImageUnavailable) as caught:
        images.ensure(["nxt-img-bad"])
    error = caught.value
    assert error.message == "image nxt-img-bad 1 is not available from any of its sources"
    assert error.why == "local build: a step ended with exit code 3"
    assert "line 40" in error.evidence
    assert error.evidence[-1] == f"log: {images.logs / 'nxt-img-bad.log'}"


def test_an_archive_adds_an_image_to_another_store(images: Images, store: DockerImages) -> None:
    [built] = images.ensure(["nxt-img-good"])
    file = images.root / "nexus.tar"
    bundle.save(images, file, ["nxt-img-good"])
    store.untag("nexusdev/nxt-img-good:local")
    store.untag(built.reference)
    assert store.find(built.reference) is None
    [loaded] = bundle.load(images, file).images
    assert loaded.id == built.id
    assert [each.source for each in images.ensure(["nxt-img-good"], offline=True)] == ["store"]


def test_the_images_of_the_stack_match_the_lock(folder: Project) -> None:
    ran = folder.run("images", "verify", "--json")
    assert ran.code == 0, ran.out
    assert ran.data["images"]
    assert all(each["ok"] for each in ran.data["images"])


@pytest.mark.parametrize("name", load_lock(default_file()).runnable)
def test_no_image_has_root_package_lists_or_build_tools(folder: Project, store: DockerImages, name: str) -> None:
    lock = load_lock(default_file())
    reference = tags(lock)[name]
    found = store.find(reference)
    if found is None and lock.images[name].optional:
        pytest.skip(f"the stack goes without {name} here: no registry that has it can be reached")
    assert found is not None
    assert found.user not in ("", "0", "root")
    workshop = store.create_build_container(reference, name="nxt-img-look", mounts=BuildMounts())
    output: list[str] = []
    try:
        script = (
            "for each in cc gcc g++ make go git; do command -v $each; done; "
            "find /var/lib/apt/lists /var/cache/apt /root/.cache -type f -size +0 2>/dev/null; stat -c %a /data"
        )
        workshop.run(script, user="0", folder="/", environment={}, say=output.append)
    finally:
        workshop.close()
    assert output == ["1777"]


def test_a_second_build_is_a_no_op(folder: Project) -> None:
    ran = folder.run("images", "build", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["data"]["changed"] == []
