"""The gate of images: an error of the thread that gets them reaches the thread that runs the plan, and says whence it came."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from nexusdev.deploy.image_gate import ImageGate, fetching
from nexusdev.errors import ImageUnavailable
from nexusdev.runtimes.image_store import Say
from nexusdev.runtimes.memory.images import MemoryBuildContainer
from nexusdev.stack.model import Network, Service, Stack
from tests.unit.images.workbench import Heard, compiled, make_images, registry


def checked(gate: ImageGate) -> None:
    """Ask the gate until it raises, for at most five seconds."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        gate.check()
        time.sleep(0.01)


def test_an_error_names_its_image_and_the_waiting_thread(tmp_path: Path) -> None:
    def failing(container: MemoryBuildContainer, script: str, say: Say) -> int:
        return 1 if script == "install cache" else compiled(container, script, say)

    images = make_images(tmp_path, registry(failing))
    service = Service(name="cache-0", image=images.resolve()["cache"], component="cache", group="cache")
    stack = Stack(project="shop", network=Network(name="nexus", subnet="10.213.0.0/24"), services={"cache-0": service})
    with (
        fetching(images, stack, offline=False, strict=False, listener=Heard()) as gate,
        pytest.raises(ImageUnavailable) as raised,
    ):
        checked(gate)
    assert raised.value.__notes__ == ["while getting the image cache", "in the thread that waits for the images cache"]
