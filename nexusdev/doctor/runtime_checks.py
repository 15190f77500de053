"""The checks of ``doctor`` for the runtime and the images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nexusdev.check import Check, failed, good, warning
from nexusdev.context import Context
from nexusdev.errors import NexusError
from nexusdev.util.humanize import join_names, pluralize

if TYPE_CHECKING:
    from nexusdev.images.images import Images


def examine(context: Context) -> Iterator[Check]:
    """Yield the checks of the runtime. The other checks need a running one."""
    try:
        checks = context.provider.checks(building=lambda: bool(_missing(context.images())))
    except NexusError as error:
        yield failed("engine", f"{error.message}: {error.why}", fix=error.hint)
        return
    yield from checks
    yield _images(context.images())


def _missing(images: Images) -> list[str]:
    return [name for name, found in images.stored().items() if found is None]


def _images(images: Images) -> Check:
    missing = _missing(images)
    if not missing:
        return good("images", "all there")
    evidence = f"{pluralize(len(missing), 'image')} missing: {join_names(missing)}"
    built = any(images.is_built(name) for name in missing)
    return warning("images", evidence, fix=f"nexusdev images {'build' if built else 'pull'}")
