"""A new password for the application's user, on every node and in the secret store."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.contract import Change
from nexusdev.components.redis import names, users
from nexusdev.components.redis.light_client import words
from nexusdev.components.redis.seed import HINT
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess
from nexusdev.wire.resp import RedisError


def rotate(access: InstanceAccess) -> Sequence[Change]:
    """Add a new password, store it, and remove the old one. Both are valid in between; open connections stay.

    Nodes that are down are skipped: they read their users from the secret when they start.

    Returns:
        One change per node that accepted the new password.

    Raises:
        SeedingFailed: A node rejects the change, or the secret cannot be written.
    """
    old, new = access.secrets.read(names.APP_PASSWORD), users.new_password()
    try:
        changes = users.add_password(access, new)
        access.secrets.write(names.APP_PASSWORD, new)
        users.drop_password(access, old)
    except (OSError, RedisError) as error:
        raise SeedingFailed(
            f"failed to change the password of {names.APP_USER}", why=words(error), hint=HINT
        ) from error
    return tuple(Change(what=what) for what in changes)
