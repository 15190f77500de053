"""Typer commands of a few lines each; ``console`` is the only place that writes to the screen."""
