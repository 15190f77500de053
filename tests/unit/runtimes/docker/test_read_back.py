"""A container that reads a file like the secrets: how it is made, and what its end says."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import docker.errors
import pytest
from msgspec.structs import replace

from nexusdev.errors import ImageUnavailable, RuntimeRefused
from nexusdev.interfaces import ReadBack
from nexusdev.runtimes.docker import labels
from nexusdev.runtimes.docker.connection import Engine
from nexusdev.runtimes.docker.create import ResourceNames
from nexusdev.runtimes.docker.http_client import EngineEndpoint
from nexusdev.runtimes.docker.read_back import read_back
from nexusdev.stack.model import FileMount, Service, Stack
from tests.contract.bench import small_stack

NAMES = ResourceNames(project="nexusdev-shop", instance="shop", owner_path="/shop", state_path="/state/instances/shop")


class Api:
    """An engine with one container. ``says``: its exit code and output; {word} is what it reads."""

    def __init__(self, code: int = 0, output: str = "1024\n{word}", *, refuses: str = "", starts: bool = True) -> None:
        self.code, self.output, self.refuses, self.starts = code, output, refuses, starts
        self.config: dict[str, Any] = {}
        self.word, self.mode = "", 0
        self.removed: list[str] = []

    def create_container_from_config(self, config: dict[str, Any]) -> dict[str, str]:
        self.config = config
        (mount,) = config["HostConfig"]["Mounts"]
        self.word, self.mode = Path(mount["Source"]).read_text(), Path(mount["Source"]).stat().st_mode & 0o777
        if self.refuses and not self.starts:
            raise docker.errors.APIError("400", explanation=self.refuses)
        return {"Id": "1"}

    def start(self, _container: str) -> None:
        if self.refuses:
            raise docker.errors.APIError("400", explanation=self.refuses)

    def wait(self, _container: str, *, timeout: int) -> dict[str, int]:
        assert timeout
        return {"StatusCode": self.code}

    def logs(self, _container: str) -> bytes:
        return self.output.format(word=self.word).encode()

    def remove_container(self, container: str, *, force: bool) -> None:
        assert force
        self.removed.append(container)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "redis-password"
    file.write_text("secret")
    file.chmod(0o600)
    return file


@pytest.fixture
def service(secret: Path) -> Service:
    mount = FileMount(kind="secret", name="redis-password", source=secret, target="/run/secrets/redis-password")
    return replace(small_stack("nexusdev-shop", image="redis:1", port=8080).services["store-0"], files=(mount,))


def reading(api: Api, service: Service, image: str = "redis:1") -> ReadBack | None:
    engine = Engine(EngineEndpoint(url="unix:///run/docker.sock", origin="test"), version="1.41")
    engine.__dict__["api"] = cast("Any", api)
    stack: Stack = small_stack("nexusdev-shop", image="redis:1", port=8080)
    return read_back(engine, replace(stack, services={service.name: service}), NAMES, image)


def test_the_check_container_has_the_user_rights_and_mount_of_the_service(service: Service, secret: Path) -> None:
    api = Api()
    assert reading(api, service) == ReadBack(user="12345:12345", open_files=1024)
    assert api.word not in ("", "secret")
    assert api.mode == 0o600
    host = api.config["HostConfig"]
    assert (api.config["User"], host["CapDrop"], host["ReadonlyRootfs"]) == ("12345:12345", ["ALL"], True)
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert Path(host["Mounts"][0]["Source"]).parent == secret.parent
    assert api.config["Labels"][labels.ONE_OFF] == "True"
    assert api.config["Labels"][labels.INSTANCE] == "shop"
    assert api.removed == ["1"]
    assert list(secret.parent.iterdir()) == [secret]


def test_an_unreadable_file_is_reported_with_owner_and_mode(service: Service, secret: Path) -> None:
    found = reading(Api(1, "1048576\ncat: /run/nexusdev-read-back: Permission denied\n"), service)
    assert found is not None
    assert found.open_files == 1_048_576
    owner = f"{secret.stat().st_uid}:{secret.stat().st_gid}"
    assert found.problem == f"cat: the file: Permission denied; on this machine it belongs to {owner}, mode 0600"
    assert "container_file_t /state/instances/shop" in found.hint
    assert list(secret.parent.iterdir()) == [secret]


def test_differing_content_is_a_problem(service: Service) -> None:
    found = reading(Api(0, "unlimited\n"), service)
    assert found is not None
    assert (found.open_files, "it read something else" in found.problem) == (0, True)


@pytest.mark.parametrize("starts", [True, False])
@pytest.mark.parametrize(
    "words",
    [
        "error mounting: permission denied",
        'error mounting "/state/x" to rootfs at "/run/x": no such file or directory: unknown',
        "invalid mount config for type bind: bind source path does not exist: /state/x",
        "Mounts denied: the path /state/x is not shared from the host",
    ],
)
def test_a_refused_mount_quotes_the_engine(service: Service, starts: bool, words: str) -> None:
    api = Api(refuses=words, starts=starts)
    found = reading(api, service)
    assert found is not None
    assert found.problem.startswith(f"{words}; ")
    assert api.removed == (["1"] if starts else [])


@pytest.mark.parametrize(
    "words",
    [
        'exec: "sh": executable file not found in $PATH',
        'exec: "sh": stat sh: no such file or directory: unknown',
        "exec /bin/sh: no such file or directory",
        "crun: executable file `sh` not found in $PATH: No such file or directory",
    ],
)
def test_an_image_without_a_shell_gives_no_result(service: Service, words: str) -> None:
    assert reading(Api(refuses=words), service) is None


def test_a_removed_image_is_no_problem_of_the_secrets(service: Service) -> None:
    with pytest.raises(ImageUnavailable, match="image redis:1 is missing"):
        reading(Api(refuses="No such image: redis:1", starts=False), service)


@pytest.mark.parametrize("words", ["failed to create task", 'error mounting "overlay" to rootfs'])
def test_a_full_disk_is_an_engine_error_and_no_problem_of_the_secrets(
    service: Service, secret: Path, words: str
) -> None:
    api = Api(refuses=f"{words}: no space left on device")
    with pytest.raises(RuntimeRefused, match="no space left on device"):
        reading(api, service)
    assert api.removed == ["1"]
    assert list(secret.parent.iterdir()) == [secret]


def test_only_platform_services_of_the_image_with_secrets_are_checked(service: Service, secret: Path) -> None:
    api = Api()
    assert reading(api, service, image="nginx:1") is None
    assert reading(api, replace(service, files=())) is None
    secret.unlink()
    assert reading(api, service) is None
    assert api.config == {}
