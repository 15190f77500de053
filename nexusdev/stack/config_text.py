"""The content of config files as text, for runtimes and renderers that copy it."""

from __future__ import annotations

from pathlib import Path

from nexusdev.stack.document import config_error
from nexusdev.stack.model import Stack
from nexusdev.stack.positions import position_of


def config_text(name: str, file: Path, stack: Stack) -> str:
    """Return the content of a config file.

    Args:
        name: The config.
        file: Its file.
        stack: Its stack, for the position in the error.

    Raises:
        InvalidConfig: It is not text.
        FileNotFoundError: There is no such file.
    """
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise config_error(
            position_of(stack, "configs", name, "file"),
            f"config {name} cannot be rendered",
            why=f"{file.name} is not text in UTF-8 (byte {error.start})",
            hint="keep it in the image of the service, or encode it as text",
        ) from error
