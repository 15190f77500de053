"""Monitoring: Prometheus, Alertmanager and Grafana for all components of the stack.

Files that only this component has:

    targets.py          which services each scrape target needs, and the result of its last scrape
    coverage.py         the share of running services that are scraped
    alerts.py           the firing alerts, from Alertmanager or Prometheus
    config_files.py     the checks of rules and dashboards before a start
    rule_files.py       reads rule files strictly
    dashboard_files.py  checks dashboard files
    promtool.py         parses the errors of ``promtool check rules``
    corruption.py       explains the exit of a Prometheus with unreadable data
"""
