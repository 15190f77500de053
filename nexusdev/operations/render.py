"""render: writes the stack as manifests for a cluster. It needs neither a cluster nor a running instance."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec.structs import replace

from nexusdev.context import Context
from nexusdev.errors import NotFound, UsageError
from nexusdev.instance.instance import Instance
from nexusdev.results import Result
from nexusdev.runtimes import registry
from nexusdev.runtimes.manifests import RenderedManifests
from nexusdev.stack.config_text import config_text
from nexusdev.stack.model import Stack
from nexusdev.util import files
from nexusdev.util.nearest import nearest

_LISTED = re.compile(r"^\s+- (\S+\.yaml)$", re.MULTILINE)
_MODE = 0o644


class RenderResult(Result, frozen=True, kw_only=True):
    """The rendered stack.

    Attributes:
        profile: The profile.
        manifests: Its files.
        folder: Where they were written; None if they were not.
        removed: Files of an earlier call that are no longer part of it.
    """

    profile: str
    manifests: RenderedManifests
    folder: Path | None = None
    removed: tuple[str, ...] = ()


def render(
    context: Context, kind: str, *, profile: str = "", output: Path | None = None, dev_access: bool = False
) -> RenderResult:
    """Render the stack, and write it to a folder if one is given.

    Args:
        context: The context of the command.
        kind: The name of the renderer.
        profile: One of the renderer's profiles; '' for its first.
        output: The folder to write to, which need not exist.
        dev_access: Whether a profile for shared clusters also gets the access for development.

    Raises:
        InvalidConfig: The compose files say something that cannot be rendered.
        UsageError: The profile is unknown, or the folder has other content.
    """
    renderer = registry.renderer(kind)
    chosen = profile or renderer.profiles[0]
    if chosen not in renderer.profiles:
        near = nearest(chosen, renderer.profiles)
        raise UsageError(
            f"unknown profile {chosen}",
            why=f"the profiles are {', '.join(renderer.profiles)}",
            hint=f"--profile {near[0]}" if near else "",
        )
    uid, gid = renderer.user
    instance = replace(_instance(context), uid=uid, gid=gid, single="", in_memory=False)
    stack = context.read_stack(instance)
    found = renderer.render(stack, profile=chosen, configs=_contents(stack, instance), dev_access=dev_access)
    removed = _write(found, output) if output else ()
    return RenderResult(
        instance=context.identity.name, profile=chosen, manifests=found, folder=output, removed=tuple(removed)
    )


def _instance(context: Context) -> Instance:
    """Return the instance, or how it would be created: its name and ports are part of what is rendered."""
    from nexusdev.instance.instance import find, preview

    try:
        return find(context.identity, root=context.root)
    except NotFound:
        return preview(context.identity, root=context.root)


def _contents(stack: Stack, instance: Instance) -> Mapping[str, str]:
    """Return config → content: that of its file, or what nexusdev writes for a new instance."""
    from nexusdev.instance import own_targets, state

    made = {
        "passwd": state.passwd(instance.uid, instance.gid),
        "own-targets.json": own_targets.content(stack),
        # nexusdev's own metrics, which have no values before the first `up`
        "metrics.prom": "",
    }
    given = {name: config_text(name, file, stack) for name, file in stack.copied_configs().items()}
    generated = {
        name: made[file.name]
        for name, file in stack.configs.items()
        if name not in given and file.name in made and file.parent == instance.folder
    }
    return {**given, **generated}


def _write(manifests: RenderedManifests, folder: Path) -> list[str]:
    """Write the files, and remove those of an earlier call. Returns the removed ones.

    The index is the last: it never lists a file that could not be written. A folder without one would be taken for somebody else's, so
    that a new folder is empty again after a failure.
    """
    former = _former(folder, manifests)
    is_new = not (folder / manifests.index).exists()
    try:
        for name in sorted(manifests.files, key=lambda name: name == manifests.index):
            path = folder / name
            with files.explained(path):
                path.parent.mkdir(parents=True, exist_ok=True)
            files.replace(path, manifests.files[name], mode=_MODE)
    except BaseException:
        if is_new:
            _remove(folder, manifests.files)
        raise
    stale = sorted(former - manifests.files.keys())
    _remove(folder, stale)
    return stale


def _remove(folder: Path, names: Iterable[str]) -> None:
    """Remove files, and the folders that are empty without them."""
    for path in [folder / name for name in names]:
        path.unlink(missing_ok=True)
        if path.parent != folder:
            with contextlib.suppress(OSError):
                path.parent.rmdir()


def _former(folder: Path, manifests: RenderedManifests) -> set[str]:
    """Return the files of an earlier call: those that its index lists, and the unlisted ones that exist.

    Raises:
        UsageError: The folder has other content.
    """
    index = folder / manifests.index
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return set()
    text = index.read_text(encoding="utf-8") if index.is_file() else ""
    if not text.startswith(manifests.mark):
        raise UsageError(
            f"{folder} has other content",
            why="its files could be taken for rendered ones",
            hint="name a new folder, or one that render has written",
        )
    listed = {name for name in _LISTED.findall(text) if (folder / name).resolve().is_relative_to(folder.resolve())}
    return listed | {name for name in manifests.unlisted if (folder / name).is_file()}
