"""Explains the exit of a Prometheus with unreadable data, and how to lose nothing but that data.

Prometheus repairs a broken write-ahead log and skips a block with broken metadata. Other damage makes it exit with
``opening storage failed``. A full disk or a lock can cause the same message, without damage to the data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from nexusdev.components.capabilities import Diagnosis

_STORAGE = re.compile(r"opening storage failed: (?P<what>[^\"]+)")
#: Storage failures that are not caused by the data.
_NOT_THE_DATA = re.compile(
    r"no space left|permission denied|read-only file system|too many open files|cannot allocate memory"
    r"|lock DB directory|resource temporarily unavailable|input/output error",
    re.IGNORECASE,
)


def explain(service: str, log: Sequence[str]) -> Diagnosis | None:
    """The diagnosis for a data folder that is corrupt; None for every other end."""
    found = next((match for line in reversed(log) if (match := _STORAGE.search(line))), None)
    if found is None or _NOT_THE_DATA.search(found["what"]):
        return None
    return Diagnosis(
        why=f"its data is corrupt: {found['what'].strip()}",
        hint=f"nexusdev destroy {service}   remove only its container and data, then\n"
        f"nexusdev up                  recreate it with an empty history\n"
        f"nexusdev logs {service}      show its log; container and data are kept until then",
        code="DATA_CORRUPT",
    )
