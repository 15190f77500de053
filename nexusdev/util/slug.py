"""Makes names that need no quoting in paths, URLs and host names."""

from __future__ import annotations

import re


def slug(text: str) -> str:
    """Return the text in lower case with a hyphen for everything but a-z and 0-9: ``My Shop!`` is ``my-shop``."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
