"""The lock: what stands there is read, what does not belong there is refused with file, line and what is allowed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.context import stack_file
from nexusdev.errors import InvalidConfig, UsageError
from nexusdev.images.lockfile import Build, Debootstrap, Registry, default_file, load
from nexusdev.images.tags import parents
from tests.unit.images.workbench import LOCK, write_lock

IMAGE = re.compile(r"^[^#]*image: .*\$\{(NEXUS_IMAGE_\w+)", re.MULTILINE)


def refusal(folder: Path, old: str, new: str) -> InvalidConfig:
    assert old in LOCK
    with pytest.raises(InvalidConfig) as caught:
        load(write_lock(folder, LOCK.replace(old, new, 1)))
    return caught.value


def test_an_image_has_a_version_and_its_sources_in_order(tmp_path: Path) -> None:
    lock = load(write_lock(tmp_path))
    assert lock.images["store"].sources == (Build(folder=tmp_path / "store", cache="go-cache"),)
    assert lock.images["base"].sources == (Registry(reference="docker.io/library/debian:trixie-slim", why="a test"),)
    assert lock.runnable == ("cache", "store")


def test_the_lock_has_the_images_of_the_stack() -> None:
    lock = load(default_file())
    used = {name for file in stack_file().parent.glob("*/compose.yaml") for name in IMAGE.findall(file.read_text())}
    assert used - {lock.images[name].variable for name in lock.runnable} == set(), "add it to compose/images.lock.yaml"
    assert {name for name in lock.runnable if lock.images[name].variable not in used} == set(), "no service has it"
    assert lock.images["postgres"].variable == "NEXUS_IMAGE_POSTGRES"
    assert any(isinstance(source, Debootstrap) for source in lock.images["debian"].sources)


def test_an_image_of_one_runtime_belongs_to_no_other(tmp_path: Path) -> None:
    lock = load(write_lock(tmp_path, LOCK.replace("programs: [server]", "runtime: pods")))
    assert lock.runnable == lock.choose([]) == ("store",)
    assert replace(lock, runtime="pods").choose([]) == ("cache", "store")
    assert lock.choose(["cache"]) == ("cache",)


def test_what_only_kind_needs_is_neither_fetched_nor_built_for_docker() -> None:
    lock = load(default_file())
    assert {"kind-node", "calico"}.isdisjoint(replace(lock, runtime="docker").runnable)
    assert {"kind-node", "calico"} < set(replace(lock, runtime="kind").runnable)
    wanted = {parent for name in lock.runnable for parent in parents(lock, name)}
    assert {"kubernetes", "kind-cli"}.isdisjoint(wanted)


def test_an_unknown_key_is_refused_with_its_line_and_the_nearest(tmp_path: Path) -> None:
    error = refusal(tmp_path, "programs: [server]", "programms: [server]")
    assert error.message == f"{tmp_path}/images.lock.yaml:18: images.cache.programms: unknown key programms"
    assert error.why == "allowed here: version, programs, check, internal, optional, runtime, sources"
    assert error.hint == "did you mean programs?"


def test_a_missing_digest_needs_a_reason(tmp_path: Path) -> None:
    error = refusal(tmp_path, "        why: a test\n", "")
    assert error.message.endswith(":9: images.base.sources[0].digest: a digest of null needs a why")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("schema: 1", "schema: 2", "schema must be 1"),
        ('version: "8"', "version: 8.0", "must be a string"),
        ('version: "8"', 'version: "8 or so"', "is not a version that is valid in a tag"),
        ("build: cache", "build: nowhere", "Dockerfile is missing in"),
        ("digest: null", "digest: latest", "is not sha256:"),
        ("docker.io/library/debian:trixie-slim", "debian", "is not host/path:tag"),
        ("  cache:\n", "  Cache:\n", "invalid image name Cache"),
        ("internal: true", "internal: perhaps", "must be true or false"),
        ("internal: true", "runtime: [kind]", "must be a string"),
        ("      - build: cache", "      - copy: cache", "a source must be exactly one of these"),
    ],
)
def test_unexpected_values_are_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert complaint in refusal(tmp_path, old, new).message


def test_an_unknown_name_suggests_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load(write_lock(tmp_path)).choose(["stroe"])
    assert caught.value.hint == "did you mean store?"


def test_the_cached_lock_equals_the_original(tmp_path: Path) -> None:
    read = load(default_file(), cache=tmp_path)
    assert (tmp_path / "images.kept").is_file()
    assert load(default_file(), cache=tmp_path) == read == load(default_file())


def test_a_changed_lock_is_read_again(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    file = write_lock(tmp_path)
    load(file, cache=kept)
    file.write_text(f"{LOCK}  nonsense: [\n")
    with pytest.raises(InvalidConfig):
        load(file, cache=kept)
