"""The registry of runtimes, by the name in ``--runtime``, NEXUSDEV_RUNTIME and ``runtime =``.

Imports nothing but the standard library: settings check names against it on every start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nexusdev.runtimes.manifests import ManifestRenderer
    from nexusdev.runtimes.options import RuntimeOptions
    from nexusdev.runtimes.provider import RuntimeProvider

DEFAULT = "docker"

# name → module and class of its provider, which is imported at its first use
_PROVIDERS: Mapping[str, tuple[str, str]] = {
    "docker": ("nexusdev.runtimes.docker.provider", "DockerProvider"),
    "kind": ("nexusdev.runtimes.kind.provider", "KindProvider"),
    "kubernetes": ("nexusdev.runtimes.kubernetes.context_provider", "ContextProvider"),
    "memory": ("nexusdev.runtimes.memory.provider", "MemoryProvider"),
}
# providers that are constructed with the options; the others have none
_WITH_OPTIONS = frozenset({"kubernetes"})
# name of its command below ``render`` → module and class of a renderer
_RENDERERS: Mapping[str, tuple[str, str]] = {
    "k8s": ("nexusdev.runtimes.kubernetes.render.renderer", "KubernetesRenderer"),
}
# Can be selected by name, but is not listed: its containers end with the process.
_FOR_TESTS = frozenset({"memory"})


def names() -> tuple[str, ...]:
    """Return the names of the available runtimes."""
    return tuple(name for name in _PROVIDERS if name not in _FOR_TESTS)


def words() -> str:
    """Return the names for a sentence: ``docker, kind or kubernetes``."""
    *first, last = names()
    return f"{', '.join(first)} or {last}"


def takes_options(name: str) -> bool:
    """Return whether a runtime has options."""
    return name in _WITH_OPTIONS


def provider(name: str, options: Callable[[], RuntimeOptions] | None = None) -> RuntimeProvider:
    """Return a new provider of this name.

    Args:
        name: The name.
        options: Returns the options; called for a runtime that has any. None for the defaults.

    Raises:
        KeyError: The name is unknown; settings reject such a name earlier.
    """
    module, kind = _PROVIDERS[name]
    given = (options(),) if takes_options(name) and options else ()
    made: RuntimeProvider = getattr(import_module(module), kind)(*given)
    return made


def renderer(name: str) -> ManifestRenderer:
    """Return the renderer of this name. Raises KeyError for another one."""
    module, kind = _RENDERERS[name]
    made: ManifestRenderer = getattr(import_module(module), kind)()
    return made
