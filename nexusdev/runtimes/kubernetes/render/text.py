"""Manifests as YAML text. The same objects give the same text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from nexusdev.runtimes.kubernetes.render.manifest import Manifest

_WIDTH = 160


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, indents lists, and repeats equal values instead of using aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature of PyYAML
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)


_Dumper.add_representer(str, _text)


def to_yaml(documents: Iterable[Manifest], *, comment: str = "") -> str:
    """Return the documents of one file.

    Args:
        documents: The objects; the order of their members is kept.
        comment: Lines above the documents, without ``#``; '' for none.
    """
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    parts = [
        yaml.dump(each, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=False)
        for each in documents
    ]
    return head + "---\n".join(parts)
