"""Adds a component to the tree: copies the example of ``tests/toy`` and registers it. Run as: python -m scripts.new_component NAME."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from nexusdev.components.registry import ROWS
from nexusdev.stack.loader import load
from tests.topology import next_free

ROOT = Path(__file__).parents[1]
#: Folder of the example → folder of the component, which replaces NAME.
FOLDERS = {
    "tests/toy/compose/toy": "compose/NAME",
    "tests/toy/components/toy": "nexusdev/components/NAME",
    "tests/unit/components/toy": "tests/unit/components/NAME",
}
_SCRAPE = """\
  - job_name: {name}
    enable_compression: false
    scrape_interval: 15s
    scheme: https
    tls_config: *tls
    relabel_configs: *instance
    static_configs:
      - targets: ["{name}:8443"]
        labels: {{component: {name}}}

"""
#: What is written where: file → (the text that it goes before, the text).
INSERTED = {
    "compose/stack.yaml": ("  - monitoring/compose.yaml\n", "  - {name}/compose.yaml\n"),
    "compose/monitoring/compose.yaml": (
        "  ready: {http: {port: 9090, path: /-/ready, tls: true}}\n",
        "    - {name}:8443\n",
    ),
    "compose/monitoring/prometheus.yml": ("  # The project's own services that request scraping.", _SCRAPE),
    "nexusdev/components/registry.py": ('    "monitoring": "",\n', '    "{name}": "",\n'),
}


def add(name: str, root: Path) -> Sequence[str]:
    """Add a component that is a copy of the example.

    Args:
        name: Its name in commands and compose files: lower-case letters.
        root: The repository.

    Returns:
        The paths that are new or changed.

    Raises:
        ValueError: The name is taken or not usable, or a file of ``INSERTED`` has changed. Nothing is written then.
    """
    _require_usable(name)
    registered = {
        root / file: _inserted(root / file, before, text.format(name=name)) for file, (before, text) in INSERTED.items()
    }
    _require_free(name, root)
    words = _words(name)
    for source, target in FOLDERS.items():
        _copy(root / source, root / target.replace("NAME", name), words)
    for file, content in registered.items():
        file.write_text(content, encoding="utf-8")
    return (*(target.replace("NAME", name) + "/" for target in FOLDERS.values()), *INSERTED)


def _require_usable(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9]+", name):
        raise ValueError(f"{name!r} is not a name of lower-case letters and digits")
    if keyword.iskeyword(name):
        raise ValueError(f"{name!r} is a keyword of Python: no module can be imported by this name")


def _require_free(name: str, root: Path) -> None:
    """Refuse a name that a component, a service, a group or a host of the stack has, and one whose folders exist."""
    components = root / "nexusdev" / "components"
    if name in ROWS or (components / f"{name}.py").exists():
        raise ValueError(f"nexusdev/components/{name} exists already")
    for target in FOLDERS.values():
        if (root / target.replace("NAME", name)).exists():
            raise ValueError(f"{target.replace('NAME', name)} exists already")
    services = load(root / "compose" / "stack.yaml", {"NEXUS_STATE": "/nowhere"}).services.values()
    for each in services:
        if name in {each.name, each.group, each.component, *each.aliases}:
            raise ValueError(f"the service {each.name} of the stack has the name {name!r} already")


def _words(name: str) -> Mapping[str, str]:
    """Text of the example → text of the component, in the order in which they are replaced."""
    [port], [address] = next_free(1)
    return {
        "tests.toy.components.toy": f"nexusdev.components.{name}",
        "}90:8443": f"}}{port:02}:8443",
        "}.90": f"}}.{address}",
        "toy": name,
        "Toy": name.capitalize(),
        "TOY": name.upper(),
    }


def _copy(source: Path, target: Path, words: Mapping[str, str]) -> None:
    for file in sorted(each for each in source.rglob("*") if each.is_file() and each.suffix != ".pyc"):
        text = file.read_text(encoding="utf-8")
        for old, new in words.items():
            text = text.replace(old, new)
        made = target / file.relative_to(source)
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(text, encoding="utf-8")


def _inserted(file: Path, before: str, text: str) -> str:
    """Return the content of a file with the text in its place."""
    content = file.read_text(encoding="utf-8")
    if content.count(before) != 1:
        raise ValueError(f"{file} has no single place {before.strip()!r}: mend INSERTED in {Path(__file__).name}")
    return content.replace(before, text + before)


def main() -> None:
    """Add the component that the command line names."""
    try:
        changed = add(" ".join(sys.argv[1:]), ROOT)
    except ValueError as error:
        sys.exit(f"new_component: {error}\nusage: make component NAME=keydb")
    print(*changed, sep="\n")
    print('continue with "How to add a component" in CONTRIBUTING.md')


if __name__ == "__main__":
    main()
