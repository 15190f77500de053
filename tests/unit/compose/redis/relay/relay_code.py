"""The relay's modules, imported from where the container gets them."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).parents[5] / "compose" / "redis" / "relay"

sys.path.insert(0, str(FOLDER))
try:
    resp = import_module("resp")
    relay = import_module("relay")
finally:
    sys.path.remove(str(FOLDER))
