"""urls: what can be opened or connected to, without any password in it; ``open`` shows the pages in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches

from nexusdev.environment import stored
from nexusdev.errors import NotFound
from nexusdev.operations.context import Context
from nexusdev.operations.outcome import Outcome, Table

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
    "GRAFANA_URL": ("grafana", "/"),
}


def urls(context: Context) -> Outcome:
    """From the variables of the last ``up``; the MinIO console, which no application reads, from its port."""
    found = all_urls(context)
    table = Table(columns=("name", "url"), rows=tuple(found.items()))
    return Outcome(data={"urls": found, "pages": pages(context)}, says=(table,), instance=context.identity.name)


def all_urls(context: Context) -> dict[str, str]:
    """Name → URL without a password."""
    instance = context.instance()
    values = stored.read(instance.folder).views["host"]
    found = {name: plain(values[variable]) for variable, (name, _) in _KNOWN.items() if variable in values}
    return {**found, **_console(context)}


def pages(context: Context) -> dict[str, str]:
    """Name → URL of what a browser can show."""
    instance = context.instance()
    values = stored.read(instance.folder).views["host"]
    found = {name: values[key].rstrip("/") + path for key, (name, path) in _KNOWN.items() if path and key in values}
    return {**found, **_console(context)}


def page(context: Context, name: str) -> str:
    """The URL of one page; NotFound names the nearest."""
    known = pages(context)
    if name in known:
        return known[name]
    near = get_close_matches(name, known, 1)
    raise NotFound(
        f"there is no page {name!r}",
        why=f"there are {', '.join(known)}",
        hint=f"nexusdev open {near[0]}" if near else "nexusdev urls",
    )


def open_page(context: Context, name: str, *, show: Callable[[str], bool] | None = None) -> Outcome:
    """Show a page in the browser. Without a browser (a server, a container) its address is the result."""
    import webbrowser

    url = page(context, name)
    shown = (show or webbrowser.open)(url)
    says = (f"opened {url}",) if shown else (url,)
    return Outcome(data={"url": url, "opened": shown}, says=says, instance=context.identity.name)


def plain(url: str) -> str:
    """The URL without user and password."""
    return _PASSWORD.sub("", url)


def _console(context: Context) -> dict[str, str]:
    instance = context.instance()
    published = {
        (name, port.container): port.host
        for service in context.stack(instance).services.values()
        for name in (service.name, *service.aliases)
        for port in service.ports
    }
    port = published.get(("minio-api", 9001))
    return {"minio-console": f"https://127.0.0.1:{port}/"} if port else {}
