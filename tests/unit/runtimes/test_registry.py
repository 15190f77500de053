"""The registry of runtimes: names that users may choose from, and a provider for each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nexusdev.context import Context
from nexusdev.instance.identity import Identity
from nexusdev.runtimes import registry
from nexusdev.runtimes.docker.provider import DockerProvider
from nexusdev.runtimes.kind.provider import KindProvider
from nexusdev.runtimes.kubernetes.context_provider import ContextProvider
from nexusdev.runtimes.memory.provider import MemoryProvider
from nexusdev.runtimes.options import RuntimeOptions
from nexusdev.settings import Settings


def test_each_name_has_its_provider() -> None:
    assert isinstance(registry.provider("docker"), DockerProvider)
    assert isinstance(registry.provider("kind"), KindProvider)
    assert isinstance(registry.provider("kubernetes"), ContextProvider)
    assert isinstance(registry.provider("memory"), MemoryProvider)


def test_only_a_runtime_with_options_asks_for_them() -> None:
    def given() -> RuntimeOptions:
        asked.append("asked")
        return RuntimeOptions(context="team")

    asked: list[str] = []
    registry.provider("docker", given)
    assert asked == []
    registry.provider("kubernetes", given)
    assert asked == ["asked"]


def test_the_memory_runtime_is_not_offered_to_users() -> None:
    assert registry.names() == ("docker", "kind", "kubernetes")


def test_an_unknown_name_has_no_provider() -> None:
    with pytest.raises(KeyError):
        registry.provider("nomad")


def test_the_registry_imports_no_runtime() -> None:
    code = (
        "import sys, nexusdev.runtimes.registry; print([name for name in sys.modules if name.startswith('nexusdev.')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "['nexusdev.runtimes', 'nexusdev.runtimes.registry']"


def test_a_context_uses_the_provider_of_its_settings(tmp_path: Path) -> None:
    identity = Identity(name="shop", project=tmp_path)
    context = Context(identity=identity, settings=Settings(runtime="memory"), root=tmp_path)
    assert isinstance(context.provider, MemoryProvider)
    assert context.provider is context.provider


def test_a_renderer_is_found_by_the_name_of_its_command() -> None:
    assert registry.renderer("k8s").profiles == ("kind", "cluster")
    with pytest.raises(KeyError):
        registry.renderer("helm")
