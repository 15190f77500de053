"""Every command, imported so that it registers itself. Order here is order in the help."""

from nexusdev.cli import about, environment, housekeeping, images, secrets, stack

__all__ = ["about", "environment", "housekeeping", "images", "secrets", "stack"]
