"""Every component by name. A product's code is imported when it is first asked for, so that ``nexusdev --help`` pays for none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import cast

from nexusdev.components.contract import Component

NAMES = ("gateway", "postgres", "redis", "minio", "vault", "monitoring")


class _Registry(Mapping[str, Component]):
    """Name → a new component each time, in the order in which a person reads them."""

    def __getitem__(self, name: str) -> Component:
        if name not in NAMES:
            raise KeyError(name)
        return cast(Component, import_module(f"nexusdev.components.{name}.component").create())

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


ALL: Mapping[str, Component] = _Registry()
