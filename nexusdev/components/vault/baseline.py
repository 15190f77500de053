"""Removes the application's secrets with all versions, and seeds Vault again. The platform's folders and those of leases stay."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.baseline import Baseline
from nexusdev.components.contract import Change
from nexusdev.components.vault import kv, names
from nexusdev.components.vault.client import NOT_FOUND, Api, document
from nexusdev.components.vault.seed import unreachable
from nexusdev.components.vault.tokens import operator
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.humanize import pluralize

_KEPT = frozenset(f"{folder}/" for folder in (*names.FOLDERS.values(), names.LEASES))


def reset_data(api: Api, access: InstanceAccess, baseline: Baseline) -> Sequence[Change]:
    """Remove the secrets, then seed. The records of applied seed files are metadata of these secrets."""
    try:
        with operator(api, access) as as_operator:
            count = _remove(as_operator)
    except OSError as error:
        raise unreachable(error) from error
    baseline.seed()
    return (Change(what=f"removed {pluralize(count, 'secret')}"),)


def _remove(api: Api) -> int:
    """Remove all secrets but those of the kept folders. Returns how many."""
    response = api.ask("LIST", "secret/metadata/")
    if response.status == NOT_FOUND:
        return 0
    keys = [key for key in document(response)["data"]["keys"] if key not in _KEPT]
    return sum(kv.remove(api, key) for key in keys)
