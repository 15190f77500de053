"""The vault client's arguments: https://developer.hashicorp.com/vault/docs/commands"""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.typed import names_stdin


def reads_stdin(arguments: Sequence[str]) -> bool:
    """Whether vault would read: a value or a document from ``-``, or a session that ``ssh`` opens (``--operator`` may stand before)."""
    return names_stdin(arguments) or "ssh" in arguments[:2]
