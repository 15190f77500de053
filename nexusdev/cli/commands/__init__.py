"""Imports every command module so that it registers its commands. The import order is the order in the help."""

from nexusdev.cli.commands import stack, snapshot, run, env, lease, drill, verify, demo, inspect, secrets, images, housekeeping, render, about  # isort: skip  # fmt: skip

__all__ = [
    "about",
    "demo",
    "drill",
    "env",
    "housekeeping",
    "images",
    "inspect",
    "lease",
    "render",
    "run",
    "secrets",
    "snapshot",
    "stack",
    "verify",
]
