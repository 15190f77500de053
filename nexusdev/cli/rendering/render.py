"""What ``render`` shows: the manifests themselves, or where they were written."""

from __future__ import annotations

from nexusdev.cli.output import Rendered
from nexusdev.operations.render import RenderResult
from nexusdev.util.humanize import pluralize


def _render(result: RenderResult) -> Rendered:
    files = result.manifests.files
    data = {
        "profile": result.profile,
        "folder": str(result.folder) if result.folder else None,
        "removed": result.removed,
    }
    if result.folder is None:
        return Rendered(data={**data, "files": files}, output=(result.manifests.stream.rstrip("\n"),))
    words = f"wrote {pluralize(len(files), 'file')} to {result.folder}"
    removed = (f"removed, because they are no longer rendered: {', '.join(result.removed)}",) if result.removed else ()
    return Rendered(data={**data, "files": list(files)}, output=(words, *removed))


RENDERERS = {RenderResult: _render}
