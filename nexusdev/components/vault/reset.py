"""Removes data that cannot be unsealed any more, if it certainly holds nothing; otherwise raises an error."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.vault import names
from nexusdev.errors import InvalidState, SeedingFailed
from nexusdev.interfaces import InstanceAccess, Runtime

# While this file exists, serve.sh starts with empty data, both before it starts a server and after a server has ended. A server that has already
# ended by itself needs no signal.
_COMMAND = 'touch /data/reset && { kill -TERM "$(cat /tmp/server.pid)" 2>/dev/null || true; }'
KEY_LOST = "VAULT_KEY_LOST"


def wipe_data(runtime: Runtime, services: Sequence[str]) -> None:
    """Let these servers throw their data away and start again, within their running containers."""
    for service in services:
        done = runtime.execute(service, ["sh", "-c", _COMMAND], timeout=10)
        if done.exit_code:
            raise SeedingFailed(
                f"failed to reset {service}",
                why=done.stderr.decode("utf-8", "replace").strip(),
                hint=f"nexusdev restart {service}",
            )


def key_lost_error(service: str, secret: str, access: InstanceAccess) -> InvalidState:
    """Return the error for data whose key is gone.

    Args:
        service: Whose data it is.
        secret: The secret that should have the key.
        access: The instance.
    """
    return InvalidState(
        f"{service} has data, but its key is missing from the state folder",
        why=f"the secret {secret} is empty; without it the data of Vault cannot be decrypted",
        hint=reset_hint(access),
        code=KEY_LOST,
    )


def reset_hint(access: InstanceAccess) -> str:
    """Return the commands that delete all data of Vault, as the hint of an error."""
    services = " ".join((*names.nodes(access), names.unsealer(access)))
    return (
        f"for each in {services}; do nexusdev exec $each -- touch /data/reset; done;"
        " nexusdev stop vault; nexusdev start vault; nexusdev seed"
        "   delete all data of Vault, and only that (or restore the state folder from a backup)"
    )
