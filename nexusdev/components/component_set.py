"""The components of one context. Each is created on first use and kept as long as the set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nexusdev.components.contract import Component
from nexusdev.components.registry import ALL
from nexusdev.util.memo import Memo


class ComponentSet(Mapping[str, Component]):
    """Name → component. Two sets share nothing: a component may keep connections and times of its instance."""

    def __init__(self, makers: Mapping[str, Component] = ALL) -> None:
        """``makers``: makes a new component each time that it is asked for one, as the registry does."""
        self._makers = makers
        self._memo = Memo()

    def __getitem__(self, name: str) -> Component:
        return self._memo.get(name, lambda: self._makers[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)
