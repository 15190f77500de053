"""Variables that change the meaning of the published ones: a session token beside an access key, another address beside PGHOST.

Code that sets the published variables unsets these. Each component lists its own. Light: ``nexusdev env`` imports it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from nexusdev.components import registry

#: A published variable → the variables that change its meaning.
COMPANIONS: Mapping[str, tuple[str, ...]] = registry.companions()
#: Only needed by programs that read the env file at their start: elsewhere NODE_EXTRA_CA_CERTS works, and the caller's NODE_OPTIONS stay.
FILE_ONLY = ("NODE_OPTIONS",)
#: Programs that fail with a published variable: rclone's AWS library cannot use AWS_CA_BUNDLE, and finds the bundle by SSL_CERT_FILE.
UNUSABLE: Mapping[str, tuple[str, ...]] = {"rclone": ("AWS_CA_BUNDLE",)}


def companions_of(names: Collection[str]) -> tuple[str, ...]:
    """Return the variables that change the meaning of these, without those that are among them."""
    return tuple(each for ours, theirs in COMPANIONS.items() if ours in names for each in theirs if each not in names)
