"""The scenarios of all components, and which servers a scenario hits now. Pure but for the components' imports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from nexusdev.components.contract import Component
from nexusdev.components.drills import HasLoad, HasScenarios, ProductLoad, Scenario, Victim
from nexusdev.errors import NotFound, UsageError
from nexusdev.stack.topology import Topology
from nexusdev.status.probes import StatusRow
from nexusdev.util.nearest import nearest


def scenarios(components: Iterable[Component]) -> dict[str, Scenario]:
    """Return the scenarios of these components, by name."""
    found = [each for one in components if isinstance(one, HasScenarios) for each in one.scenarios()]
    return {each.name: each for each in found}


def chosen(name: str, known: Mapping[str, Scenario]) -> Scenario:
    """Return a scenario by its name.

    Raises:
        UsageError: There is none of this name; the error names the nearest.
    """
    if name in known:
        return known[name]
    similar = nearest(name, known, count=3)
    hint = f"nexusdev drill {similar[0]}\n" if similar else ""
    raise UsageError(
        f"there is no drill {name}",
        why=f"did you mean {' or '.join(similar)}?" if similar else "",
        hint=f"{hint}nexusdev drill list   show all drills",
    )


def products(components: Mapping[str, Component], names: Iterable[str]) -> dict[str, ProductLoad]:
    """Return the loads of the components in these names of clients: ``postgres.pool``."""
    found: dict[str, ProductLoad] = {}
    for name in dict.fromkeys(name.partition(".")[0] for name in names):
        component = components.get(name)
        if isinstance(component, HasLoad):
            found[name] = component.load()
    return found


def victims(
    wanted: Victim, rows: Sequence[StatusRow], topology: Topology, *, component: str, target: str = ""
) -> tuple[str, ...]:
    """Return the servers that a fault hits now.

    Args:
        wanted: What the scenario says.
        rows: The rows of ``status``.
        topology: The servers of the stack.
        component: The component that declares the scenario.
        target: The server that the user named; '' for the scenario's own choice.

    Raises:
        NotFound: No server fits at the moment.
        UsageError: The named server is not one that the scenario means.
    """
    fits = _fitting(wanted, topology, component)
    candidates = [row.service for row in rows if fits(row) and row.service in topology.services]
    if target:
        if target not in candidates:
            raise UsageError(
                f"this drill does not hit {target}",
                why=f"it hits {wanted}; now: {', '.join(candidates) or 'none'}",
                hint="nexusdev status   show the servers and their roles",
            )
        return (target, *[each for each in candidates if each != target][: wanted.count - 1])
    if len(candidates) < wanted.count:
        raise NotFound(
            f"{wanted}: {len(candidates)} of {wanted.count} servers found",
            why="the servers have other roles now, or do not run",
            hint="nexusdev status   show the servers and their roles",
        )
    return tuple(candidates[-wanted.count :])


def _fitting(wanted: Victim, topology: Topology, component: str) -> Callable[[StatusRow], bool]:
    def fits(row: StatusRow) -> bool:
        service = topology.services.get(row.service)
        return (
            service is not None
            and service.component == component
            and wanted.group in ("", service.group)
            and wanted.role in ("", row.role)
        )

    return fits


def component_of(scenario: Scenario, components: Iterable[Component]) -> str:
    """Return the component that declares a scenario."""
    found = (one.name for one in components if isinstance(one, HasScenarios) and scenario in one.scenarios())
    return next(found, "")
