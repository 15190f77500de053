"""Images on their way: from the store, from their sources in order, each told as soon as it is there, failures with their words."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from nexusdev.errors import ImageUnavailable
from nexusdev.images.fetch import FetchedImage
from nexusdev.runtimes.image_store import Say
from nexusdev.runtimes.memory.images import MemoryBuildContainer, MemoryImages
from tests.unit.images.workbench import Heard, compiled, make_images, registry


def test_missing_images_are_built_on_pulled_bases(tmp_path: Path) -> None:
    store, heard = registry(), Heard()
    images = make_images(tmp_path, store)
    fetched = images.ensure(listener=heard)
    assert [(each.name, each.source) for each in fetched] == [("cache", "local build"), ("store", "local build")]
    assert sorted(heard.done) == ["base", "builder", "cache", "store"]
    assert store.find("nexusdev/store:local") == store.find(images.references["store"])


def test_a_second_fetch_is_a_no_op(tmp_path: Path) -> None:
    store = registry()
    make_images(tmp_path, store).ensure()
    before, heard = list(store.opened), Heard()
    fetched = make_images(tmp_path, store).ensure(listener=heard)
    assert {each.source for each in fetched} == {"store"}
    assert (store.opened, heard.events) == (before, [])


def test_a_waiter_continues_once_its_image_is_available(tmp_path: Path) -> None:
    long_one = threading.Event()

    def slow(container: MemoryBuildContainer, script: str, say: Say) -> int:
        if script.startswith("compile"):
            long_one.wait(5)
        return compiled(container, script, say)

    ready: list[str] = []
    fetch = make_images(tmp_path, registry(slow)).begin(on_ready=lambda each: ready.append(each.name))
    assert fetch.wait("cache", timeout=5) is not None
    assert fetch.wait("store", timeout=0.01) is None
    assert ready == ["cache"]
    long_one.set()
    assert [each.name for each in fetch.wait_all()] == ["cache", "store"]


def test_a_failed_build_names_its_image_its_last_fifteen_lines_and_its_log(tmp_path: Path) -> None:
    def failing(container: MemoryBuildContainer, script: str, say: Say) -> int:
        if script != "install cache":
            return compiled(container, script, say)
        for number in range(40):
            say(f"line {number}")
        return 100

    with pytest.raises(ImageUnavailable) as caught:
        make_images(tmp_path, registry(failing)).ensure(["cache"])
    error = caught.value
    log = tmp_path / "state/logs/images/cache.log"
    assert error.message == "image cache 8 is not available from any of its sources"
    assert error.why == "local build: a step ended with exit code 100"
    assert error.evidence[-3:] == ("line 39", "local build: a step ended with exit code 100", f"log: {log}")
    assert len(error.evidence) == 16
    assert "line 0" in log.read_text().splitlines()


def test_a_build_step_interrupted_by_the_network_is_retried(tmp_path: Path) -> None:
    attempts: list[str] = []

    def cut(container: MemoryBuildContainer, script: str, say: Say) -> int:
        if script != "install cache" or attempts:
            return compiled(container, script, say)
        attempts.append(script)
        say("go: example.org/a@v1.0.0: read tcp 172.29.0.4:45698->203.0.113.80:443: read: connection timed out")
        return 1

    fetched = make_images(tmp_path, registry(cut)).ensure(["cache"])
    assert [each.source for each in fetched] == ["local build"]
    assert "network error: retrying" in (tmp_path / "state/logs/images/cache.log").read_text()


def test_a_failure_cancels_running_builds(tmp_path: Path) -> None:
    compiling = threading.Event()

    def failing(container: MemoryBuildContainer, script: str, say: Say) -> int:
        if script.startswith("compile"):
            compiling.set()
            assert container.ended.wait(5)
        if script == "install cache":
            assert compiling.wait(5)
            return 1
        return 0

    store = registry(failing)
    with pytest.raises(ImageUnavailable, match="image cache 8") as raised:
        make_images(tmp_path, store).ensure()
    assert raised.value.__notes__ == ["while getting the image cache"]
    assert "nexusdev-build-store-build" in store.closed


def test_a_program_missing_in_a_build_is_detected(tmp_path: Path) -> None:
    def without_server(container: MemoryBuildContainer, script: str, say: Say) -> int:
        if "command -v" in script and " server;" in script:
            say("server")
        return compiled(container, script, say)

    with pytest.raises(ImageUnavailable) as caught:
        make_images(tmp_path, registry(without_server)).ensure(["cache"])
    assert caught.value.why == "local build: programs missing in the image: server"


def test_offline_missing_images_are_named_and_not_fetched(tmp_path: Path) -> None:
    store = registry()
    with pytest.raises(ImageUnavailable) as caught:
        make_images(tmp_path, store).ensure(["cache"], offline=True)
    assert caught.value.message == "image cache 8 is not in the image store"
    assert store.opened == []


def test_a_failed_source_is_quoted_with_its_parent_image(tmp_path: Path) -> None:
    with pytest.raises(ImageUnavailable) as caught:
        make_images(tmp_path, MemoryImages()).ensure(["cache"])
    assert caught.value.message == "image base 13 is not available from any of its sources"
    assert caught.value.why == "registry docker.io/library/debian:trixie-slim: not found: manifest unknown"


def test_the_environment_can_name_another_image(tmp_path: Path) -> None:
    store = registry()
    store.published["example.org/cache:9"] = "sha256:" + "b" * 64
    images = make_images(tmp_path, store, NEXUSDEV_IMAGE_CACHE="example.org/cache:9")
    assert images.resolve(["cache"]) == {"cache": "example.org/cache:9"}
    fetched = images.ensure(["cache"])
    assert [(each.reference, each.source) for each in fetched] == [
        ("example.org/cache:9", "registry example.org/cache:9")
    ]
    assert store.find("nexusdev/cache:local") is None


def test_images_provide_the_variables_of_the_compose_files(tmp_path: Path) -> None:
    images = make_images(tmp_path, registry())
    assert set(images.variables()) == {"NEXUS_IMAGE_CACHE", "NEXUS_IMAGE_STORE"}


def test_readiness_is_reported_even_if_all_images_exist(tmp_path: Path) -> None:
    store, ready = registry(), list[FetchedImage]()
    make_images(tmp_path, store).ensure()
    make_images(tmp_path, store).ensure(on_ready=ready.append)
    assert [each.name for each in ready] == ["cache", "store"]
