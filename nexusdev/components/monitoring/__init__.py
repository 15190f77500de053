"""Monitoring: Prometheus, which scrapes what every part exports by itself."""
