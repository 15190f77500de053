"""A build uses the proxies of the docker configuration and leaves no trace of them in the image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import docker
import pytest

from nexusdev.runtimes.docker.build_container import DockerBuildContainer
from nexusdev.runtimes.docker.connection import Engine
from nexusdev.runtimes.docker.http_client import EngineEndpoint
from nexusdev.runtimes.image_store import BuildMounts


class Api(docker.APIClient):  # type: ignore[misc]
    """The SDK, whose requests are kept instead of sent."""

    def __init__(self) -> None:
        super().__init__(base_url="unix:///nowhere", version="1.44")
        self.sent: dict[str, dict[str, Any]] = {}

    def _post_json(self, url: str, data: dict[str, Any], **_: object) -> Any:
        self.sent[url.rpartition("/v1.44")[2]] = data
        return {"Id": "made"}

    def _result(self, response: Any, *_: object, **__: object) -> Any:
        return response

    def inspect_image(self, image: str) -> Any:
        return {}

    def start(self, container: str) -> None: ...

    def remove_container(self, container: str, **_: object) -> None: ...

    def exec_start(self, exec_id: str, **_: object) -> Any:
        return iter(())

    def exec_inspect(self, exec_id: str) -> Any:
        return {"ExitCode": 0}


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    error = {"proxies": {"default": {"httpsProxy": "http://user:secret@proxy:3128", "noProxy": "corp"}}}
    (tmp_path / "config.json").write_text(json.dumps(error))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    made = Engine(EngineEndpoint(url="unix:///nowhere", origin="a test"), version="1.44")
    made.__dict__["api"] = Api()
    return made


def test_the_committed_container_has_no_proxy_but_its_commands_have_one(engine: Engine) -> None:
    mounts = BuildMounts(environment={"NO_PROXY": "mine"}, mounts={}, volumes={})
    workshop = DockerBuildContainer.open(engine, "base", name="w", mounts=mounts)
    assert workshop.run("true", user="0", folder="/", environment={}, say=lambda _: None) == 0
    sent = cast(Api, engine.api).sent
    assert not sent["/containers/create"].get("Env")
    ran = sent["/containers/made/exec"]["Env"]
    assert "HTTPS_PROXY=http://user:secret@proxy:3128" in ran
    assert "NO_PROXY=mine" in ran
