"""What ``urls`` and ``open`` show."""

from __future__ import annotations

from nexusdev.cli.output import Rendered, Table
from nexusdev.operations.urls import OpenResult, UrlsResult


def _urls(result: UrlsResult) -> Rendered:
    table = Table(columns=("name", "url"), rows=tuple(result.urls.items()))
    return Rendered(data={"urls": result.urls, "pages": result.pages}, output=(table,))


def _open(result: OpenResult) -> Rendered:
    words = f"opened {result.url}" if result.opened else result.url
    return Rendered(data={"url": result.url, "opened": result.opened}, output=(words,))


RENDERERS = {UrlsResult: _urls, OpenResult: _open}
