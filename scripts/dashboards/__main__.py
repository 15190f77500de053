"""`python -m scripts.dashboards`: writes the five files; `--check` only compares them, and `--grid` draws where the panels lie."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .catalogue import DASHBOARDS
from .export import text
from .picture import draw

FOLDER = Path(__file__).resolve().parents[2] / "compose" / "monitoring" / "grafana" / "dashboards"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.dashboards", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 where a file is not what would be written"
    )
    parser.add_argument("--grid", action="store_true", help="draw the grid of every dashboard as text")
    chosen = parser.parse_args()
    if chosen.grid:
        print("\n\n".join(draw(dashboard) for dashboard in DASHBOARDS))
        return 0
    return check() if chosen.check else write()


def write() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for dashboard in DASHBOARDS:
        (FOLDER / f"{dashboard.uid}.json").write_text(text(dashboard))
        print(f"· {dashboard.uid}: {len(dashboard.panels)} panels", file=sys.stderr)
    return 0


def check() -> int:
    stale = [each.uid for each in DASHBOARDS if not _is_written(FOLDER / f"{each.uid}.json", text(each))]
    if stale:
        print(
            f"Error: {', '.join(stale)}: the JSON is not what scripts/dashboards makes\n  next      make dashboards",
            file=sys.stderr,
        )
    return 1 if stale else 0


def _is_written(file: Path, content: str) -> bool:
    return file.exists() and file.read_text() == content


if __name__ == "__main__":
    sys.exit(main())
