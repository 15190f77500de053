"""One look at everything that runs: the facts of each component, asked at once, beside the containers as the engine sees them."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from nexusdev.components.contract import Component, Node, Readiness
from nexusdev.plan.snapshot import Container, Snapshot, State
from nexusdev.ports import Runtime, Site
from nexusdev.stack.model import Service, Stack


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one look at a component told; ``facts`` is None where it was not asked."""

    component: Component
    readiness: Readiness
    facts: Any = None
    nodes: Sequence[Node] = ()


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of ``status``. ``port``: the first host port, 0 for none."""

    component: str
    service: str
    role: str
    state: str
    detail: str
    ok: bool
    port: int = 0


class _Observed:
    """The runtime for components that are looked at once: its containers were observed a moment ago and are not asked for again by each."""

    def __init__(self, runtime: Runtime, snapshot: Snapshot) -> None:
        self._runtime = runtime
        self._snapshot = snapshot

    def observe(self) -> Snapshot:
        return self._snapshot

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)


@dataclass(kw_only=True)
class _Look:
    component: Component
    site: Site
    facts: Any = None
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        try:
            self.facts = self.component.look(self.site)
        except BaseException as error:  # handed over to the thread that asked
            self.error = error
        finally:
            self.done.set()


def look(components: Collection[Component], site: Site, snapshot: Snapshot) -> Mapping[str, Seen]:
    """Ask every component that has a running container; the others are not ready without being asked."""
    site = replace(site, runtime=cast(Runtime, _Observed(site.runtime, snapshot)))
    running = {each.component for each in snapshot.containers.values() if each.state is State.RUNNING}
    looks = {each.name: _Look(component=each, site=site) for each in components if each.name in running}
    for each in looks.values():
        threading.Thread(target=each.run, daemon=True).start()
    return {
        component.name: _seen(component, looks[component.name])
        if component.name in looks
        else Seen(component=component, readiness=Readiness(missing="none of its containers runs"))
        for component in components
    }


def _seen(component: Component, asked: _Look) -> Seen:
    asked.done.wait()
    if asked.error is not None:
        raise asked.error
    facts = asked.facts
    return Seen(component=component, readiness=component.judge(facts), facts=facts, nodes=tuple(component.nodes(facts)))


def rows(stack: Stack, snapshot: Snapshot, seen: Mapping[str, Seen]) -> list[Row]:
    """One row per service that a component tells of or whose container does not run, in the order of the stack."""
    nodes = {node.service: node for each in seen.values() for node in each.nodes}
    found = []
    for service in stack.services.values():
        container = snapshot.containers.get(service.name)
        node = nodes.get(service.name)
        if service.component in seen and (node or not _runs(container)):
            found.append(_row(service, container, node))
    return found


def _row(service: Service, container: Container | None, node: Node | None) -> Row:
    port = service.ports[0].host if service.ports else 0
    if not _runs(container):
        state = container.state.value if container else "absent"
        return Row(
            component=service.component,
            service=service.name,
            role="",
            state=state,
            detail=_ending(container) if container else ("optional" if service.optional else ""),
            ok=container is None and service.optional,
            port=port,
        )
    told = node or Node(service=service.name)
    return Row(
        component=service.component,
        service=service.name,
        role=told.role,
        state=told.state,
        detail=told.detail,
        ok=told.ok,
        port=port,
    )


def _runs(container: Container | None) -> bool:
    return container is not None and container.state is State.RUNNING


def _ending(container: Container) -> str:
    if container.out_of_memory:
        return "ran out of memory"
    if container.state in (State.EXITED, State.RESTARTING) and container.exit_code:
        return f"exit code {container.exit_code}"
    return ""
