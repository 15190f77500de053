"""urls: lists what can be opened or connected to, without passwords; ``open`` shows the pages in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from nexusdev.components.contract import Link
from nexusdev.context import Context
from nexusdev.deploy import last_up
from nexusdev.deploy.targets import unknown
from nexusdev.env import stored
from nexusdev.errors import NotFound
from nexusdev.interfaces import View
from nexusdev.results import Result
from nexusdev.util.humanize import join_names

_PASSWORD = re.compile(r"(?<=://)([^/@]*)@")


class UrlsResult(Result, frozen=True, kw_only=True):
    """The URLs of the started components.

    Attributes:
        urls: Name → URL without a password.
        pages: Name → URL of each page for a browser.
    """

    urls: Mapping[str, str]
    pages: Mapping[str, str]


class OpenResult(Result, frozen=True, kw_only=True):
    """A page, and whether a browser was opened."""

    url: str
    opened: bool


def urls(context: Context) -> UrlsResult:
    """Return the URLs from the variables of the last ``up``. Pages without a variable, such as the MinIO console, come from their port."""
    return UrlsResult(instance=context.identity.name, urls=all_urls(context), pages=pages(context))


def all_urls(context: Context) -> dict[str, str]:
    """Return name → URL without a password, of all started components."""
    return {**_by_variable(context), **_by_role(context)}


def pages(context: Context) -> dict[str, str]:
    """Return name → URL of each page for a browser."""
    found = {**_by_variable(context, page=True), **_by_role(context)}
    return {link.name: found[link.name] for link, _ in _links(context) if link.path and link.name in found}


def _links(context: Context) -> list[tuple[Link, str]]:
    """Return every possible link with its component; links with a variable come first, because users search for those."""
    found = [(link, component.name) for component in context.components.values() for link in component.links]
    return sorted(found, key=lambda each: not each[0].variable)


def page(context: Context, name: str) -> str:
    """Return the URL of one page.

    Raises:
        NotFound: The page's component does not run here (exit 3).
        UsageError: There is no such page; the error has the most similar name (exit 2).
    """
    owners = {link.name: component for link, component in _links(context) if link.path}
    if name not in owners:
        raise unknown(name, owners, kind="page", hint="nexusdev open {}")
    known = pages(context)
    if name in known:
        return known[name]
    raise (
        _left_out(name)
        if _is_left_out(context, name)
        else NotFound(
            f"{name} is not running",
            why=f"running: {join_names(list(known))}" if known else "",
            hint=f"nexusdev up {owners[name]}   start it as well",
        )
    )


def _is_left_out(context: Context, name: str) -> bool:
    """Return whether its component was started without the page's service."""
    instance = context.instance()
    service = context.stack(instance).services.get(name)
    return service is not None and service.optional and service.component in stored.read(instance.folder).components


def _left_out(name: str) -> NotFound:
    return NotFound(
        f"{name} is not running",
        why="it is optional: its image was unavailable during nexusdev up, or the container was removed",
        hint="nexusdev up --strict      start it, or fail with the reason\n"
        "nexusdev metrics --help   query metrics in the terminal instead",
    )


def open_page(context: Context, name: str, *, show: Callable[[str], bool] | None = None) -> OpenResult:
    """Open a page in the browser. Without a browser (a server, a container) the result only has the URL.

    Args:
        context: The context of the command.
        name: Name of the page.
        show: Opens a URL and returns whether it was opened; None for the default browser.
    """
    import webbrowser

    url = page(context, name)
    return OpenResult(instance=context.identity.name, url=url, opened=(show or webbrowser.open)(url))


def plain(url: str) -> str:
    """Return the URL without user and password."""
    return _PASSWORD.sub("", url)


def _by_variable(context: Context, *, page: bool = False) -> dict[str, str]:
    """Return name → URL of endpoints that applications have a variable for. ``page``: in the form for a browser."""
    values = stored.read(context.instance().folder).views["host"]
    return {
        link.name: values[link.variable].rstrip("/") + link.path if page and link.path else plain(values[link.variable])
        for link, _ in _links(context)
        if link.variable in values
    }


def _by_role(context: Context) -> dict[str, str]:
    """Return name → URL of the pages without a variable, of started components."""
    instance = context.instance()
    last = stored.read(instance.folder)
    brought = {*last.components, *last_up.read(instance.folder).seeded}
    published = context.runtime(context.stack(instance)).addresses(View.HOST)
    return {
        link.name: f"{link.scheme}://{published[link.role, link.port]}{link.path}"
        for link, component in _links(context)
        if component in brought and link.variable not in last.views["host"] and (link.role, link.port) in published
    }
