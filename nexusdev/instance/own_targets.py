"""Where Prometheus scrapes the project's own services: ``own-targets.json`` in the state folder, read by its file-based discovery.

See https://prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nexusdev.stack.model import Scrape, Service, Stack
from nexusdev.util.files import write_in_place

_FILE = "own-targets.json"
_MODE = 0o644


def write(folder: Path, stack: Stack, publish: Callable[[str, bytes], None]) -> None:
    """Write the file if it changed, and publish it to its readers. It always exists, because it is mounted.

    Args:
        folder: The state folder.
        stack: Declares the scrape targets.
        publish: ``Runtime.publish_file``.
    """
    data = content(stack).encode()
    file = folder / _FILE
    if not file.exists() or file.read_bytes() != data:
        write_in_place(file, data, set_owner=lambda path: path.chmod(_MODE))
        publish(_FILE, data)


def content(stack: Stack) -> str:
    """Return the content of the file."""
    groups = [_group(each, each.own.scrape) for each in stack.own if each.own and each.own.scrape]
    return json.dumps(groups, indent=1) + "\n"


def _group(service: Service, scrape: Scrape) -> dict[str, Any]:
    return {
        "targets": [f"{service.name}:{scrape.port}"],
        "labels": {
            "component": service.component,
            "__scheme__": "https" if scrape.tls else "http",
            "__metrics_path__": scrape.path,
        },
    }
