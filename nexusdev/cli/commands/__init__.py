"""Every command, imported so that it registers itself. Order here is order in the help."""

from nexusdev.cli.commands import stack, run, env, inspect, secrets, images, housekeeping, about  # isort: skip

__all__ = ["about", "env", "housekeeping", "images", "inspect", "run", "secrets", "stack"]
