"""The components of one context. Each is created on first use and kept as long as the set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from nexusdev.components import registry
from nexusdev.components.contract import Component
from nexusdev.util.memo import Memo

Create = Callable[[str, Mapping[str, Component]], Component]


class ComponentSet(Mapping[str, Component]):
    """Name → component, in the order of the registry. Two sets share nothing: a component may keep connections of its instance.

    Attributes:
        create: Makes a component by its name; it gets this set, in which it finds the others.
    """

    def __init__(self, create: Create = registry.create) -> None:
        self._create = create
        self._memo = Memo()

    def __getitem__(self, name: str) -> Component:
        if name not in registry.ROWS:
            raise KeyError(name)
        return self._memo.get(name, lambda: self._create(name, self))

    def __iter__(self) -> Iterator[str]:
        return iter(registry.ROWS)

    def __len__(self) -> int:
        return len(registry.ROWS)


class JoinedComponents(Mapping[str, Component]):
    """The components of the platform, and those of one project's own services behind them.

    A component of the platform is found without the project's files: a broken one is no obstacle to ``nexusdev exec postgres``.
    """

    def __init__(self, platform: Mapping[str, Component], own: Callable[[], Mapping[str, Component]]) -> None:
        """``own``: reads the project's files. Raises InvalidConfig."""
        self._platform = platform
        self._own = own

    def __getitem__(self, name: str) -> Component:
        try:
            return self._platform[name]
        except KeyError:
            return self._own()[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._platform
        yield from self._own()

    def __len__(self) -> int:
        return len(self._platform) + len(self._own())
