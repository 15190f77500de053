"""Generates passwords."""

from __future__ import annotations

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def random_password(length: int) -> str:
    """Return a random password of letters and digits, which needs no quoting in URLs, shells and config files.

    Args:
        length: Number of characters.
    """
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
