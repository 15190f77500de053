"""Seeds Vault as the operator; the first time with a root token that is revoked at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexusdev.components.contract import Change, Credentials
from nexusdev.components.vault import desired_state, names
from nexusdev.components.vault.client import Api
from nexusdev.components.vault.tokens import operator, refresh
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess


def seed(api: Api, access: InstanceAccess, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
    """What was changed; nothing the second time."""
    wanted = {**_by_path(credentials), names.INSTANCE_PATH: {"nonce": access.nonce}}
    try:
        with operator(api, access) as as_operator:
            changes = list(desired_state.settle(as_operator, access.secrets, wanted, project=access.project.name))
        return [*changes, *refresh(api, access.secrets)]
    except OSError as error:
        raise unreachable(error) from error


def update_credentials(api: Api, access: InstanceAccess, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
    """Write the credentials of these components alone, after they were rotated."""
    try:
        with operator(api, access) as as_operator:
            return list(desired_state.credentials(as_operator, _by_path(credentials)))
    except OSError as error:
        raise unreachable(error) from error


def _by_path(credentials: Mapping[str, Credentials]) -> dict[str, Mapping[str, str]]:
    """Path below ``secret/`` → what is kept there."""
    return {
        f"{names.FOLDERS[consumer]}/{component}": values
        for component, each in credentials.items()
        for consumer, values in each.items()
        if values
    }


def unreachable(error: OSError) -> SeedingFailed:
    """Vault went away in the middle."""
    return SeedingFailed(
        f"{names.ROLE} stopped answering",
        why=str(error) or type(error).__name__,
        hint="nexusdev status   show the problem\nnexusdev seed   continue",
    )
