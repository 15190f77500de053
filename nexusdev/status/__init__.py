"""The state of a running instance: probes of its components, and the alerts that fire."""
