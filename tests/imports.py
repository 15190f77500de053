"""What code brings into a process that had nothing but Python."""

from __future__ import annotations

import json
import subprocess
import sys


def imported_by(code: str) -> set[str]:
    """The names of all modules that are there once ``code`` has run in an interpreter of its own."""
    script = f"{code}\nimport json, sys; print(json.dumps(list(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return set(json.loads(ran.stdout))
