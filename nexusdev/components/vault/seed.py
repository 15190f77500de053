"""Seeding: everything in Vault as it shall be, by the operator; the first time by a root token that is revoked at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexusdev.components.contract import Change
from nexusdev.components.vault import kv, names
from nexusdev.components.vault.api import Api
from nexusdev.components.vault.settled import settle
from nexusdev.components.vault.tokens import operator, refresh
from nexusdev.errors import SeedingFailed
from nexusdev.ports import Site

Credentials = Mapping[str, Mapping[str, str]]


def seed(api: Api, site: Site, credentials: Credentials) -> Sequence[Change]:
    """What was changed; nothing the second time."""
    wanted = {f"nexus/{component}": values for component, values in credentials.items() if values}
    wanted[names.INSTANCE_PATH] = {"nonce": site.nonce}
    try:
        with operator(api, site.secrets) as as_operator:
            changes = list(settle(as_operator, site.secrets, wanted))
        return [*changes, *refresh(api, site.secrets)]
    except OSError as error:
        raise unreachable(error) from error


def update_credentials(api: Api, site: Site, credentials: Credentials) -> Sequence[Change]:
    """Write the credentials of these components alone, after they were rotated."""
    try:
        with operator(api, site.secrets) as as_operator:
            return [
                Change(what=f"wrote secret/nexus/{component}")
                for component, values in credentials.items()
                if values and kv.ensure(as_operator, f"nexus/{component}", values)
            ]
    except OSError as error:
        raise unreachable(error) from error


def unreachable(error: OSError) -> SeedingFailed:
    """Vault went away in the middle."""
    return SeedingFailed(
        f"{names.ROLE} stopped answering",
        why=str(error) or type(error).__name__,
        hint="nexusdev status   what is wrong; nexusdev seed   goes on where it stopped",
    )
