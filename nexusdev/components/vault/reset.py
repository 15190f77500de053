"""Removes data that nobody can unseal any more, if it certainly holds nothing; an error otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.errors import InvalidState, SeedingFailed
from nexusdev.interfaces import Runtime

# serve.sh begins with empty data before it starts a server, and when one has ended, while this file is there: one that has
# ended by itself already needs no signal.
_COMMAND = 'touch /data/reset && { kill -TERM "$(cat /tmp/server.pid)" 2>/dev/null || true; }'


KEY_LOST = "VAULT_KEY_LOST"
HINT = (
    "for each in vault-0 vault-1 vault-2 vault-unseal; do nexusdev exec $each -- touch /data/reset; done;"
    " nexusdev stop vault; nexusdev start vault; nexusdev seed"
    "   delete all data of Vault, and only that (or restore the state folder from a backup)"
)


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


def key_lost_error(service: str, secret: str) -> InvalidState:
    """The error for data whose key is gone."""
    return InvalidState(
        f"{service} has data, but its key is missing from the state folder",
        why=f"the secret {secret} is empty; without it the data of Vault cannot be decrypted",
        hint=HINT,
        code=KEY_LOST,
    )
