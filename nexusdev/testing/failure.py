"""What the report of a failed test says about the servers: who led, and their logs since the test began."""

from __future__ import annotations

import math
import re
from collections.abc import Collection

from nexusdev.context import Context
from nexusdev.errors import NexusError
from nexusdev.testing.chaos import leaders

#: Lines of each server and of all, and characters of a line.
_EACH, _ALL, _WIDTH = 40, 40, 300
#: What servers log all the time, and what nexusdev itself does there for other tests.
_ROUTINE = re.compile(r"INFO: no action\. |LOG:  checkpoint (starting|complete)|postgres@\S+ LOG:  AUDIT: ")
#: The password in a statement that PostgreSQL logs because it failed.
_PASSWORD = re.compile(r"(PASSWORD\s+)'(?:[^']|'')*'", re.IGNORECASE)
#: Shorter values occur in logs by chance.
_SHORTEST = 8


def describe(context: Context, components: Collection[str], seconds: float) -> str:
    """Return what the report says. Servers that do not answer are no error.

    Args:
        context: A fresh context of the instance.
        components: Those that the test used; empty for all.
        seconds: Since the test began.
    """
    from nexusdev.operations.logs import collect

    lines: list[str] = []
    try:
        found = leaders(context)
        lines += [f"{name}: {server} leads" for name, server in found.items() if not components or name in components]
        since = f"{max(1, math.ceil(seconds))}s"
        found_lines = collect(context, tuple(components), since=since, tail=_EACH).lines
        logs = [each for each in found_lines if not _ROUTINE.search(each.text)]
        lines += [f"(the last {_ALL} lines; all: nexusdev logs --since {since})"] if len(logs) > _ALL else []
        hidden = _secrets(context)
        lines += [f"{each.service:<14} {masked(each.text, hidden)}"[:_WIDTH] for each in logs[-_ALL:]]
    except NexusError as error:
        lines.append(f"the servers could not be asked: {error.message}")
    return "\n".join(lines)


def masked(text: str, secrets: Collection[str]) -> str:
    """Return a line of a log without passwords: reports of tests end in CI systems that many can read.

    Args:
        text: The line.
        secrets: The values that must not be shown.
    """
    for value in secrets:
        text = text.replace(value, "***")
    return _PASSWORD.sub(r"\1'***'", text)


def _secrets(context: Context) -> frozenset[str]:
    instance = context.instance()
    store = instance.secrets(context.stack(instance))
    values = (store.read(name).strip() for name in store.names())
    return frozenset(each for each in values if len(each) >= _SHORTEST)
