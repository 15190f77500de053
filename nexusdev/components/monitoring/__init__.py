"""Monitoring: Prometheus, Alertmanager and Grafana for all components of the stack."""
