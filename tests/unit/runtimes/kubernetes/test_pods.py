"""Waiting for pods: what a watch does not report is seen by the next list."""

from __future__ import annotations

import subprocess
import time
from typing import Any

import pytest

from nexusdev.runtimes.kubernetes import pods
from nexusdev.runtimes.kubernetes.names import InstanceNames
from nexusdev.runtimes.kubernetes.pods import PodWaiter
from nexusdev.runtimes.kubernetes.render.manifest import Manifest
from tests.unit.runtimes.kubernetes.fake_cluster import FakeCluster
from tests.unit.runtimes.kubernetes.test_exits import RUNNING, pod

NAMES = InstanceNames(instance="shop", namespace="ns", owner_path="/home/dev/shop")


class SilentWatch(FakeCluster):
    """A cluster whose watches report nothing, and whose pod is gone at the second list."""

    def __init__(self) -> None:
        super().__init__()
        self.lists = 0

    def get(self, kinds: Any, namespace: str = "", *options: str) -> list[Manifest]:
        self.lists += 1
        return [pod(RUNNING)] if self.lists == 1 else []

    def start(self, *arguments: str, **_: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["sleep", "60"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_pod_deleted_before_the_watch_began_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds in ("_LIST_AGAIN", "_SLICE"):
        monkeypatch.setattr(pods, seconds, 0.1)
    cluster, began = SilentWatch(), time.monotonic()
    PodWaiter(cluster, NAMES).until_ended("db", (), replicas=0)
    assert cluster.lists == 2
    assert time.monotonic() - began < 10
