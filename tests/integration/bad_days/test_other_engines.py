"""An engine that maps users, on a private engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.integration.bad_days.conftest import SMALL
from tests.integration.bad_days.private_engine import private_engine
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration

MAPPED = "nobody:nogroup"


def test_user_namespace_remapping_is_reported_first(make_project: Callable[..., Project]) -> None:
    with private_engine({"userns-remap": MAPPED}, mapped=MAPPED) as private:
        project = make_project("mapped")
        mapped = replace(project, extra={"DOCKER_HOST": private.url}, before=private.inside)
        ran = mapped.run("--json", "up", SMALL)
        assert ran.code == 5, ran.err
        assert json.loads(ran.out)["error"]["code"] == "USERNS_REMAP"
        assert list(project.state.rglob("instance.json")) == []
        checks = json.loads(mapped.run("doctor", "--json").out)["data"]["checks"]
        assert {each["name"]: each["verdict"] for each in checks}["rights"] == "failed"
