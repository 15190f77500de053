"""Monitoring's names: groups, roles and ports. The servers of a group come from the stack.

Role names and ports are what applications use (``https://grafana:3000`` from a container). A role name is also the name of the group
behind it; Grafana, which is alone, has no role name but its own.
Tests fail if they ask for a name that the files do not have (``tests/access.py``).
"""

from __future__ import annotations

from nexusdev.interfaces import InstanceAccess

NAME = "monitoring"

PROMETHEUS, ALERTMANAGER = "prometheus", "alertmanager"
GRAFANA, NODE_EXPORTER = "grafana", "node-exporter"

#: The job that scrapes the project's own services.
OWN_JOB = "own"

PORT, ALERTS_PORT, PAGES_PORT = 9090, 9093, 3000


def servers(access: InstanceAccess) -> tuple[str, ...]:
    """Return the Prometheus servers, by ordinal."""
    return access.topology.members(NAME, PROMETHEUS)


def alertmanagers(access: InstanceAccess) -> tuple[str, ...]:
    """Return the Alertmanagers, by ordinal."""
    return access.topology.members(NAME, ALERTMANAGER)
