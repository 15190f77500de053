"""Generates passwords."""

from __future__ import annotations

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def random_password(length: int) -> str:
    """Return a random password of letters and digits, which needs no quoting in URLs, shells and config files.

    Args:
        length: Number of characters.
    """
    import secrets

    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
