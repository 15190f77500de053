"""Every command, imported so that it registers itself. Order here is order in the help."""

from nexusdev.cli import stack, use, environment, look, secrets, images, housekeeping, about  # isort: skip

__all__ = ["about", "environment", "housekeeping", "images", "look", "secrets", "stack", "use"]
