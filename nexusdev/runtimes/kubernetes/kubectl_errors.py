"""The errors of kubectl and of the API server as errors of nexusdev: what happened, why, and what to type."""

from __future__ import annotations

import re

from nexusdev.errors import NexusError, NotFound, PreflightFailed, RuntimeRefused, RuntimeSlow

_UNREACHABLE = re.compile(
    r"connection to the server .* was refused|Unable to connect to the server|connection refused|no such host|i/o timeout"
    r"|TLS handshake timeout|connection reset by peer|no route to host|network is unreachable|\bEOF\b",
    re.IGNORECASE,
)
_SLOW = re.compile(
    r"\((ServiceUnavailable|Timeout|ServerTimeout|TooManyRequests)\)|etcdserver: |context deadline exceeded"
    r"|timed out waiting for the condition|currently unable to handle the request",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]*)"'
    r'(?: in API group "(?P<group>[^"]*)")?(?: in the namespace "(?P<namespace>[^"]*)")?'
)
_ACCESS = re.compile(
    r"You must be logged in|Unauthorized|context .* does not exist|no context exists|x509:|getting credentials"
)
_NOT_FOUND = re.compile(r"\(NotFound\)|not found")
_LINES = 5


def translated(words: str, context: str) -> NexusError:
    """Return the error for what kubectl wrote to its standard error.

    Args:
        words: All of its output.
        context: The context that it used.
    """
    last = tuple(line for line in words.strip().splitlines() if line.strip())[-_LINES:]
    text = "\n".join(last)
    if forbidden := _FORBIDDEN.search(text):
        return _forbidden(forbidden, context)
    if _ACCESS.search(text):
        return PreflightFailed(
            f"no access to the cluster of context {context}",
            why=_first(last),
            hint=f"kubectl --context {context} auth whoami   show who the cluster takes you for",
            evidence=last,
            code="CLUSTER_ACCESS",
        )
    if _SLOW.search(text):
        return RuntimeSlow(f"the API server of context {context} did not answer in time", why=_first(last))
    if _UNREACHABLE.search(text):
        return PreflightFailed(
            f"the API server of context {context} does not answer",
            why=_first(last),
            hint=f"kubectl --context {context} cluster-info   try it\nnexusdev doctor   check the runtime",
            code="CLUSTER_UNREACHABLE",
        )
    if _NOT_FOUND.search(text):
        return NotFound(_first(last))
    return RuntimeRefused(f"the cluster refused a request: {_first(last)}", evidence=last[1:], code="CLUSTER_REFUSED")


def no_program(program: str) -> PreflightFailed:
    """Return the error for a kubectl that is not installed."""
    return PreflightFailed(
        f"{program} cannot be run",
        why="it is not installed, or not on the PATH",
        hint="https://kubernetes.io/docs/tasks/tools/   how to install kubectl",
        code="PROGRAM_MISSING",
    )


def slow(command: str, seconds: float, context: str) -> RuntimeSlow:
    """Return the error for a command that did not end in time."""
    return RuntimeSlow(f"kubectl {command} did not end within {seconds:g} s", why=f"context {context}")


def no_clock(context: str) -> PreflightFailed:
    """Return the error for an API server whose answers have no date."""
    return PreflightFailed(
        f"the API server of context {context} does not tell its time", why="its answers have no header Date"
    )


def _first(lines: tuple[str, ...]) -> str:
    text = lines[0] if lines else "kubectl said nothing"
    return text.removeprefix("Error from server ").removeprefix("error: ").strip()


def _forbidden(found: re.Match[str], context: str) -> PreflightFailed:
    resource = ".".join(part for part in (found["resource"], found["group"]) if part)
    where = f" in namespace {found['namespace']}" if found["namespace"] else " in the whole cluster"
    scope = f" --namespace {found['namespace']}" if found["namespace"] else ""
    return PreflightFailed(
        f"the right to {found['verb']} {resource}{where} is missing",
        why=f"context {context} is user {found['user']}",
        hint=f"kubectl --context {context} auth can-i {found['verb']} {resource}{scope}   check it once it was granted",
        code="RIGHT_MISSING",
    )
