"""Asks the component of a server that exited to explain its last log lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nexusdev.components.capabilities import Diagnosis, ExplainsExit
from nexusdev.components.contract import Component
from nexusdev.stack.model import Service


def diagnose(components: Iterable[Component], service: Service, log: Sequence[str]) -> Diagnosis | None:
    """The diagnosis of the component that the service belongs to; None where it has none."""
    own = next((each for each in components if each.name == service.component), None)
    return own.explain(service.name, log) if isinstance(own, ExplainsExit) else None
