"""Tries whether the engine runs a privileged container, as a node of kind is one."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

from nexusdev.runtimes.docker.connection_errors import translate_engine_errors

if TYPE_CHECKING:
    from nexusdev.runtimes.docker.connection import Engine

_LONGEST = 30  # seconds


def refusal(engine: Engine, image: str) -> str:
    """Return why the engine does not run one; '' if it does. The container is removed.

    Args:
        engine: The engine.
        image: An image of its store that has ``true``.

    Raises:
        PreflightFailed: The engine does not answer.
    """
    import docker.errors

    api = engine.api
    name = f"nexusdev-privileged-{secrets.token_hex(4)}"
    with translate_engine_errors(engine.endpoint):
        try:
            config = api.create_host_config(privileged=True)
            api.create_container(image, ["true"], entrypoint=[], name=name, host_config=config, network_disabled=True)
            api.start(name)
            code = int(api.wait(name, timeout=_LONGEST)["StatusCode"])
        except docker.errors.APIError as error:
            return str(error.explanation)
        finally:
            with contextlib.suppress(docker.errors.APIError):
                api.remove_container(name, force=True)
    return f"true ended with exit code {code}" if code else ""
