"""Runs a PromQL query through the gateway, and reports Prometheus's own error messages."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec import Struct

from nexusdev.components.capabilities import QueryResult, Silent, TimeRange
from nexusdev.components.https_connection import Response, get
from nexusdev.components.monitoring import names
from nexusdev.errors import Degraded, UsageError
from nexusdev.interfaces import InstanceAccess

#: Prometheus's error types for an invalid query.
_ASKERS_FAULT = ("bad_data", "execution")
_STARTING = 503
_POSITION = re.compile(r"\b(\d+):(\d+): ")
#: How many characters of a query are shown around a mistake: an error must fit into 40 columns.
_BEFORE, _AROUND = 16, 26
_HELP = "nexusdev start monitoring   start stopped services\nnexusdev logs monitoring    show its logs"


class Prometheus(Struct, frozen=True, kw_only=True):
    """The Prometheus of an instance. ``timeout``: seconds for each of connecting and replying."""

    access: InstanceAccess
    timeout: float = 10.0

    def ask(self, query: str, *, at: float | None = None) -> QueryResult:
        """Return the present values. ``at``: those of another time, in seconds since the epoch."""
        times = {} if at is None else {"time": f"{at:.3f}"}
        return self._ask("query", query, times)

    def ask_over(self, query: str, time_range: TimeRange) -> QueryResult:
        """Return the values at each point of a time range."""
        times = {"start": f"{time_range.begin:.3f}", "end": f"{time_range.end:.3f}", "step": f"{time_range.step:g}"}
        return self._ask("query_range", query, times)

    def names(self) -> tuple[str, ...]:
        """Return the names of all metrics; none if the reply has no list."""
        reply = self._get("/api/v1/label/__name__/values")
        try:
            return tuple(reply.json()["data"])
        except (ValueError, KeyError, TypeError):
            return ()

    def _ask(self, kind: str, query: str, times: Mapping[str, str]) -> QueryResult:
        reply = self._get(f"/api/v1/{kind}?{urlencode({'query': query, **times})}")
        try:
            answer = reply.json()
            if answer["status"] == "success":
                notes = (*(answer.get("warnings") or ()), *(answer.get("infos") or ()))
                return QueryResult(data=answer["data"], warnings=tuple(notes))
            kind_of_error, words = str(answer["errorType"]), str(answer["error"])
        except (ValueError, KeyError, TypeError) as error:
            raise unusable(reply) from error
        raise refused(query, words) if kind_of_error in _ASKERS_FAULT else failed(words)

    def _get(self, path: str) -> Response:
        try:
            return get(
                self.access.address(names.PROMETHEUS, names.PORT), path, access=self.access, timeout=self.timeout
            )
        except (ssl.SSLEOFError, ConnectionResetError) as error:
            raise Silent("the gateway closed the connection: no Prometheus is available") from error
        except (OSError, KeyError) as error:
            raise Silent(str(error)) from error


def refused(query: str, words: str) -> UsageError:
    """Return the error for a query that Prometheus rejects, with its message and the position in the query."""
    complaint = words.removeprefix('invalid parameter "query": ')
    found = _POSITION.search(complaint)
    evidence = pointed(query, line=int(found[1]), column=int(found[2])) if found else ()
    return UsageError(
        "Prometheus rejects this query",
        why=complaint,
        hint="nexusdev metrics --help   examples",
        evidence=evidence,
        code="PROMQL",
    )


def pointed(query: str, *, line: int, column: int) -> tuple[str, ...]:
    """Return the line of the query around a position (line and column from 1), and a caret below the character."""
    lines = query.split("\n")
    if not 1 <= line <= len(lines):
        return ()
    written, place = lines[line - 1], max(column - 1, 0)
    begin = max(place - _BEFORE, 0) if len(written) > _AROUND else 0
    shown = written[begin : begin + _AROUND]
    head, tail = "…" if begin else "", "…" if begin + _AROUND < len(written) else ""
    return (f"{head}{shown}{tail}", f"{' ' * (len(head) + place - begin)}^")


def failed(words: str) -> Degraded:
    """Return the error for a query that failed."""
    return Degraded("Prometheus failed to run the query", why=words, hint=_HELP)


def unusable(reply: Response) -> Degraded:
    """Return the error for a reply that is not from Prometheus."""
    if reply.status == _STARTING:
        return Degraded("Prometheus is not ready to answer", why="it is starting, or no server is running", hint=_HELP)
    return Degraded("the response is not from Prometheus", why=reply.text[:200] or f"HTTP {reply.status}", hint=_HELP)
