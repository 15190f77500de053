"""urls: what can be opened or connected to, without any password in it; ``open`` shows the pages in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from nexusdev.context import Context
from nexusdev.deploy.targets import unknown
from nexusdev.env import stored
from nexusdev.errors import NotFound
from nexusdev.interfaces import View
from nexusdev.results import Outcome, Table
from nexusdev.util.humanize import join_names

_PASSWORD = re.compile(r"(?<=://)([^/@]*)@")
#: Variable → the name under which a person looks for it, and whether a browser can show it (and at which path).
_KNOWN = {
    "DATABASE_URL": ("postgres", None),
    "DATABASE_RO_URL": ("postgres-replica", None),
    "DATABASE_POOL_URL": ("postgres-pool", None),
    "REDIS_URL": ("redis", None),
    "AWS_ENDPOINT_URL_S3": ("s3", None),
    "VAULT_ADDR": ("vault", "/ui/"),
    "PROMETHEUS_URL": ("prometheus", "/"),
    "ALERTMANAGER_URL": ("alertmanager", "/"),
    "GRAFANA_URL": ("grafana", "/"),
}
#: Pages that no application reads a variable for: name → the component whose they are, its role and the port there.
_UNTOLD = {"minio": ("minio", "minio-api", 9001), "alertmanager": ("monitoring", "alertmanager", 9093)}
#: Every page that there can be → the component that has to run for it.
_PAGES = {
    "grafana": "monitoring",
    "prometheus": "monitoring",
    "alertmanager": "monitoring",
    "minio": "minio",
    "vault": "vault",
}


def urls(context: Context) -> Outcome:
    """From the variables of the last ``up``; what no application reads, such as the console of MinIO, from its port."""
    found = all_urls(context)
    table = Table(columns=("name", "url"), rows=tuple(found.items()))
    return Outcome(data={"urls": found, "pages": pages(context)}, output=(table,), instance=context.identity.name)


def all_urls(context: Context) -> dict[str, str]:
    """Name → URL without a password."""
    instance = context.instance()
    values = stored.read(instance.folder).views["host"]
    found = {name: plain(values[variable]) for variable, (name, _) in _KNOWN.items() if variable in values}
    return {**found, **_untold(context, found)}


def pages(context: Context) -> dict[str, str]:
    """Name → URL of what a browser can show."""
    instance = context.instance()
    values = stored.read(instance.folder).views["host"]
    found = {name: values[key].rstrip("/") + path for key, (name, path) in _KNOWN.items() if path and key in values}
    return {**found, **_untold(context, found)}


def page(context: Context, name: str) -> str:
    """The URL of one page. NotFound (3) for one that does not run here, UsageError (2) with the nearest for no page at all."""
    if name not in _PAGES:
        raise unknown(name, _PAGES, kind="page", hint="nexusdev open {}")
    known = pages(context)
    if name in known:
        return known[name]
    raise (
        _left_out(name)
        if _is_left_out(context, name)
        else NotFound(
            f"{name} does not run here",
            why=f"there are {join_names(list(known))}" if known else "",
            hint=f"nexusdev up {_PAGES[name]}   bring it up beside the rest",
        )
    )


def _is_left_out(context: Context, name: str) -> bool:
    """Whether its component was brought up without it."""
    instance = context.instance()
    service = context.stack(instance).services.get(name)
    return service is not None and service.optional and service.component in stored.read(instance.folder).components


def _left_out(name: str) -> NotFound:
    return NotFound(
        f"{name} does not run here",
        why="it is optional: its image could not be had when the rest came up, or it was removed since",
        hint="nexusdev up --strict      bring it up, or say why its image cannot be had\n"
        "nexusdev metrics --help   look at numbers and lines without it",
    )


def open_page(context: Context, name: str, *, show: Callable[[str], bool] | None = None) -> Outcome:
    """Show a page in the browser. Without a browser (a server, a container) its address is the result."""
    import webbrowser

    url = page(context, name)
    shown = (show or webbrowser.open)(url)
    output = (f"opened {url}",) if shown else (url,)
    return Outcome(data={"url": url, "opened": shown}, output=output, instance=context.identity.name)


def plain(url: str) -> str:
    """The URL without user and password."""
    return _PASSWORD.sub("", url)


def _untold(context: Context, told: Collection[str]) -> dict[str, str]:
    """The pages without a variable, of components that were brought up."""
    instance = context.instance()
    up = stored.read(instance.folder).components
    published = context.runtime(context.stack(instance)).addresses(View.HOST)
    return {
        name: f"https://{published[role, port]}/"
        for name, (component, role, port) in _UNTOLD.items()
        if name not in told and component in up and (role, port) in published
    }
