"""Monitoring's names in the stack: servers, roles and ports."""

from __future__ import annotations

NAME = "monitoring"

PROMETHEUS, ALERTMANAGER = "prometheus", "alertmanager"
PROMETHEUSES = ("prometheus-0", "prometheus-1")
ALERTMANAGERS = ("alertmanager-0", "alertmanager-1")
GRAFANA, NODE_EXPORTER = "grafana", "node-exporter"

PORT, ALERTS_PORT, PAGES_PORT = 9090, 9093, 3000
