"""The caller's proxy variables, and the addresses of the stack that must bypass every proxy.

Clients read NO_PROXY and no_proxy in different orders (curl and Python the lower-case one first, Go the upper-case one), so both must
name the addresses. No client excludes 127.0.0.1 by itself.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

LOOPBACK = ("127.0.0.1", "localhost", "::1")
NEEDED = LOOPBACK[:1]  # the host of every variable of the env file
EXCEPTIONS = ("NO_PROXY", "no_proxy")
_SETTINGS = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def proxies(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables that name a proxy. Their values may contain a password and are never printed."""
    names = (*_SETTINGS, *(name.lower() for name in _SETTINGS))
    return tuple(name for name in names if environ.get(name, "").strip())


def with_loopback(environ: Mapping[str, str]) -> dict[str, str]:
    """Return NO_PROXY and no_proxy with loopback added; {} without a proxy."""
    if not proxies(environ):
        return {}
    return {name: _added(_said(environ, name)) for name in EXCEPTIONS}


def forgotten(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the addresses of the stack that some client would request through a proxy."""
    if not proxies(environ):
        return ()
    lists = [_entries(_said(environ, name)) for name in EXCEPTIONS]
    return tuple(host for host in NEEDED if not all(_covers(entries, host) for entries in lists))


def _said(environ: Mapping[str, str], name: str) -> str:
    """Return the value of a variable; if it is not set, that of the other spelling, which clients then use."""
    return environ.get(name) or environ.get(EXCEPTIONS[1 - EXCEPTIONS.index(name)]) or ""


def _added(value: str) -> str:
    entries = _entries(value)
    missing = [] if "*" in entries else [host for host in LOOPBACK if host not in entries]
    return ",".join((*([value.strip().rstrip(",")] if entries else []), *missing))


def _entries(value: str) -> list[str]:
    return [each.lower() for each in re.split(r"[,\s]+", value) if each]


def _covers(entries: list[str], host: str) -> bool:
    return any(each in ("*", host) or _is_network_of(each, host) for each in entries)


def _is_network_of(entry: str, host: str) -> bool:
    try:
        return "/" in entry and ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
