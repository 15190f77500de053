"""The five Grafana dashboards, written as Python: `python -m scripts.dashboards` turns them into the JSON that Grafana reads.

``model`` says what a dashboard is, ``grid`` where its panels lie, ``export`` how Grafana writes it down. Each dashboard is one
file: its rows in the order in which a person asks, and for each panel what it shows and what to do about it.
"""
