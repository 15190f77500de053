"""Which engine is meant, and what a person reads when it does not answer."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nexusdev.errors import ImageUnavailable, NexusError, NotFound, PreflightFailed, RuntimeSlow
from nexusdev.runtimes.docker.connection import connect
from nexusdev.runtimes.docker.connection_errors import translate_engine_errors
from nexusdev.runtimes.docker.endpoint import find_endpoint
from nexusdev.runtimes.docker.http_client import EngineEndpoint
from nexusdev.runtimes.docker.images import DockerImages
from nexusdev.runtimes.docker.plan.steps import Action, DockerStep
from nexusdev.runtimes.docker.provider import DockerProvider
from nexusdev.runtimes.docker.runtime import DockerRuntime
from tests.unit.env.servers import refusing_proxy
from tests.unit.runtimes.docker.engines import engine_at, engine_on_tcp, version


def with_context(home: Path, name: str, host: str) -> None:
    folder = home / ".docker" / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))


def test_docker_host_wins_over_contexts(tmp_path: Path) -> None:
    with_context(tmp_path, "desktop", "unix:///desktop.sock")
    found = find_endpoint({"DOCKER_HOST": "tcp://127.0.0.1:2375", "DOCKER_CONTEXT": "desktop"}, tmp_path)
    assert found == EngineEndpoint(url="tcp://127.0.0.1:2375", origin="DOCKER_HOST")


def test_tls_is_read_from_the_docker_variables(tmp_path: Path) -> None:
    environ = {"DOCKER_HOST": "tcp://127.0.0.1:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"}
    assert find_endpoint(environ, tmp_path).certificates == Path("/certs")
    assert find_endpoint({**environ, "DOCKER_TLS_VERIFY": ""}, tmp_path).certificates is None


def test_the_current_docker_context_is_used(tmp_path: Path) -> None:
    with_context(tmp_path, "desktop-linux", "unix:///desktop.sock")
    (tmp_path / ".docker" / "config.json").write_text('{"currentContext": "desktop-linux"}')
    assert find_endpoint({}, tmp_path) == EngineEndpoint(
        url="unix:///desktop.sock", origin="Docker context desktop-linux"
    )
    assert find_endpoint({"DOCKER_CONTEXT": "default"}, tmp_path).origin == "the default socket"


def test_the_default_socket_is_used_without_configuration(tmp_path: Path) -> None:
    assert find_endpoint({}, tmp_path).url == "unix:///var/run/docker.sock"
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text("broken")
    assert find_endpoint({}, tmp_path).url == "unix:///var/run/docker.sock"


def test_an_unknown_context_is_reported(tmp_path: Path) -> None:
    with pytest.raises(PreflightFailed, match="context gone does not exist") as error:
        find_endpoint({"DOCKER_CONTEXT": "gone"}, tmp_path)
    assert error.value.code == "ENGINE_NOT_FOUND"
    assert error.value.hint.startswith("docker context ls")


def refusal(endpoint: EngineEndpoint) -> NexusError:
    with pytest.raises(PreflightFailed) as error:
        connect(endpoint)
    assert error.value.exit_status == 5
    assert error.value.why
    assert error.value.hint
    return error.value


def test_a_missing_socket_means_the_engine_is_not_running(tmp_path: Path) -> None:
    error = refusal(EngineEndpoint(url=f"unix://{tmp_path}/docker.sock", origin="DOCKER_HOST"))
    assert (error.code, error.message) == ("ENGINE_NOT_FOUND", "no Docker engine answers")
    assert "docker.sock does not exist (DOCKER_HOST)" in error.why
    assert "systemctl start docker" in error.hint
    assert "Docker Desktop" in error.hint


def test_a_socket_without_a_listener_means_the_engine_is_not_running(tmp_path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(tmp_path / "docker.sock"))
    assert refusal(EngineEndpoint(url=f"unix://{tmp_path}/docker.sock", origin="x")).code == "ENGINE_NOT_FOUND"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may use every socket")
def test_a_forbidden_socket_has_a_hint(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    path.touch(mode=0o000)
    error = refusal(EngineEndpoint(url=f"unix://{path}", origin="x"))
    assert error.code == "ENGINE_NOT_ALLOWED"
    assert "mode 0000" in error.why
    assert "usermod -aG" in error.hint


def test_an_engine_on_another_machine_is_refused() -> None:
    for url in ("ssh://me@far", "ssh://localhost", "tcp://10.0.0.7:2375", "tcp://docker:2376"):
        assert refusal(EngineEndpoint(url=url, origin="DOCKER_HOST")).code == "ENGINE_NOT_LOCAL"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((404, {"message": ""}), "no Docker engine, or a proxy that refuses (HTTP 404)"),
        ((403, {"message": "not for you"}), "or a proxy that refuses (HTTP 403: not for you)"),
        ((200, {"name": "something else"}), "it is not a Docker engine"),
        ((200, ["no", "object"]), "it is not a Docker engine"),
        ((404, ["no", "object"]), "or a proxy that refuses (HTTP 404"),
        ((200, {"ApiVersion": "new"}), "it is not a Docker engine"),
    ],
)
def test_a_server_that_is_no_engine_is_reported(tmp_path: Path, answer: tuple[int, Any], why: str) -> None:
    with engine_at(tmp_path / "s", lambda _: answer) as url:
        error = refusal(EngineEndpoint(url=url, origin="x"))
    assert (error.code, why in error.why) == ("ENGINE_NOT_FOUND", True), error.why


def test_an_outdated_engine_is_reported_with_its_api_version(tmp_path: Path) -> None:
    with engine_at(tmp_path / "s", lambda _: (200, version("1.40"))) as url:
        error = refusal(EngineEndpoint(url=url, origin="x"))
    assert error.code == "ENGINE_TOO_OLD"
    assert "API 1.40" in error.why


def bound(url: str) -> DockerRuntime:
    return DockerRuntime(
        "shop", instance="shop", owner_path="/x", connection=connect(EngineEndpoint(url=url, origin="x"))
    )


def test_an_engine_that_stops_midway_is_reported_as_lost(tmp_path: Path) -> None:
    with engine_at(tmp_path / "s", lambda path: (200, version()) if "version" in path else None) as url:
        runtime = bound(url)
        with pytest.raises(PreflightFailed, match="lost the connection") as error:
            runtime.observe()
        assert error.value.code == "ENGINE_LOST"
        with pytest.raises(PreflightFailed) as again:
            runtime.apply(DockerStep(action=Action.START, resource="db", reason="x"))
        assert again.value.code == "ENGINE_LOST"
    with pytest.raises(PreflightFailed) as gone:
        runtime.observe()
    assert gone.value.code == "ENGINE_LOST"


def test_an_engine_that_answers_other_requests_is_slow_and_not_lost(tmp_path: Path) -> None:
    released = threading.Event()

    def answer(path: str) -> tuple[int, Any] | None:
        if "version" not in path:
            released.wait(10)
        return (200, version())

    with engine_at(tmp_path / "s", answer) as url:
        connection = connect(EngineEndpoint(url=url, origin="x"), timeout=0.3)
        runtime = DockerRuntime("shop", instance="shop", owner_path="/x", connection=connection)
        start = DockerStep(action=Action.START, resource="db", reason="x")
        for act in (runtime.observe, lambda: runtime.apply(start)):
            with pytest.raises(RuntimeSlow) as error:
                act()
            assert error.value.code == "ENGINE_SLOW"
            assert "systemctl" not in error.value.hint
        released.set()


def test_an_engine_refusal_is_quoted(tmp_path: Path) -> None:
    def answer(path: str) -> tuple[int, Any]:
        return (200, version()) if "version" in path else (500, {"message": "no space left on device"})

    with (
        engine_at(tmp_path / "s", answer) as url,
        pytest.raises(PreflightFailed, match="no space left on device") as error,
    ):
        bound(url).observe()
    assert error.value.code == "ENGINE_REFUSED"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EMFILE, errno.ENOENT])
def test_a_local_file_error_is_not_a_lost_engine(tmp_path: Path, number: int) -> None:
    with pytest.raises(OSError, match=os.strerror(number)) as error, translate_engine_errors(endpoint_at(tmp_path)):
        raise OSError(number, os.strerror(number), str(tmp_path / "key.pem"))
    assert error.value.errno == number


@pytest.mark.parametrize(
    "error", [ConnectionResetError(), TimeoutError("timed out"), OSError(errno.ENOENT, "no socket"), ssl.SSLError()]
)
def test_a_connection_error_is_a_lost_engine(tmp_path: Path, error: OSError) -> None:
    with pytest.raises(PreflightFailed) as told, translate_engine_errors(endpoint_at(tmp_path)):
        raise error
    assert told.value.code == "ENGINE_LOST"


def endpoint_at(folder: Path) -> EngineEndpoint:
    return EngineEndpoint(url=f"unix://{folder}/nothing", origin="x")


def test_a_missing_resource_raises_not_found(tmp_path: Path) -> None:
    def answer(path: str) -> tuple[int, Any]:
        return (200, version()) if "version" in path else (404, {"message": "No such container: shop-db-1"})

    with engine_at(tmp_path / "s", answer) as url, pytest.raises(NotFound, match="No such container: shop-db-1"):
        bound(url).apply(DockerStep(action=Action.START, resource="db", reason="x"))


@pytest.mark.parametrize(
    "words",
    ["No such image: sha256:0a1b", "failed to find image sha256:0a1b: sha256:0a1b: image not known"],
    ids=["docker", "podman"],
)
def test_a_removed_image_is_reported_with_cause_and_hint(tmp_path: Path, words: str) -> None:
    def answer(path: str) -> tuple[int, Any]:
        return (200, version()) if "version" in path else (404, {"message": words})

    with engine_at(tmp_path / "s", answer) as url:
        found = connect(EngineEndpoint(url=url, origin="x"))
        with pytest.raises(ImageUnavailable) as told, translate_engine_errors(found.endpoint):
            found.api.inspect_image("sha256:0a1b")
        assert DockerImages(found).find("sha256:0a1b") is None
    error = told.value
    assert (error.exit_status, error.message) == (7, "image sha256:0a1b is missing")
    assert "removed" in error.why
    assert error.hint.startswith("nexusdev up ")


def test_a_local_engine_is_never_reached_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing_proxy() as (named, came), engine_on_tcp(lambda path: (200, version())) as url:
        for name, value in {**named, "NO_PROXY": ""}.items():
            monkeypatch.setenv(name, value)
        found = connect(EngineEndpoint(url=url, origin="DOCKER_HOST"))
        assert found.api.version()["Version"] == "27.0"
    assert came == []


def test_a_provider_reads_the_engine_facts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(path: str) -> tuple[int, Any]:
        asked.append(path.rpartition("/")[2])
        info = {"ID": "engine-1", "DockerRootDir": str(tmp_path), "SystemTime": datetime.now(UTC).isoformat()}
        return 200, version() if path.endswith("/version") else info

    with engine_at(tmp_path / "e.sock", answer) as url:
        monkeypatch.setenv("DOCKER_HOST", url)
        provider = DockerProvider()
        for _ in range(2):
            assert provider.facts().identity.startswith("engine-1")
    assert asked.count("info") == 1


def test_a_provider_connects_once_for_runtimes_and_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(path: str) -> tuple[int, Any]:
        asked.append(path)
        empty = {"Volumes": []} if "/volumes" in path else []
        return 200, version() if path.endswith("/version") else empty

    with engine_at(tmp_path / "e.sock", answer) as url:
        monkeypatch.setenv("DOCKER_HOST", url)
        provider = DockerProvider()
        for _ in range(2):
            provider.inventory()
            provider.image_store().list()
    assert asked.count("/version") == 1
