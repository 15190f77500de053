"""The key-value store at ``secret/``, version 2. https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from nexusdev.components.https_connection import Response
from nexusdev.components.vault.client import BAD_REQUEST, NOT_FOUND, OK, Api, VaultError, document, error_text

_UPGRADE_SECONDS = 10.0


def read(api: Api, path: str) -> dict[str, Any] | None:
    """The newest data at ``secret/<path>``; None where there is none or it was deleted."""
    response = _open(api, path)
    if response.status == NOT_FOUND:
        return None
    if response.status != OK:
        raise VaultError(f"reading secret/{path}", response)
    data = document(response)["data"]["data"]
    return data if isinstance(data, dict) else None


def ensure(api: Api, path: str, data: Mapping[str, Any]) -> bool:
    """Write where it differs; whether it did."""
    if read(api, path) == dict(data):
        return False
    api.need("POST", f"secret/data/{path}", {"data": dict(data)})
    return True


def destroy_former(api: Api, path: str) -> int:
    """Destroy the data of every version but the newest, deleted ones too.

    Returns:
        How many versions were destroyed; 0 where there was nothing to destroy.
    """
    found = api.find(f"secret/metadata/{path}") or {}
    newest = found.get("current_version", 0)
    former = [
        int(number)
        for number, version in found.get("versions", {}).items()
        if int(number) < newest and not version["destroyed"]
    ]
    if former:
        api.need("POST", f"secret/destroy/{path}", {"versions": former})
    return len(former)


def mark(api: Api, path: str) -> Mapping[str, str]:
    """The custom metadata of a path; {} where there is none."""
    found = (api.find(f"secret/metadata/{path}") or {}).get("custom_metadata")
    return found if isinstance(found, dict) else {}


def set_mark(api: Api, path: str, marks: Mapping[str, str]) -> None:
    """Replace the custom metadata of a path."""
    api.need("POST", f"secret/metadata/{path}", {"custom_metadata": dict(marks)})


def remove(api: Api, path: str) -> int:
    """Remove a secret, or every secret below a folder, with all versions.

    Args:
        api: Vault.
        path: Path below ``secret/``. A folder ends in a slash, and need not exist.

    Returns:
        How many secrets were removed.
    """
    if not path.endswith("/"):
        api.need("DELETE", f"secret/metadata/{path}")
        return 1
    response = api.ask("LIST", f"secret/metadata/{path}")
    if response.status == NOT_FOUND:
        return 0
    return sum(remove(api, f"{path}{key}") for key in document(response)["data"]["keys"])


def _open(api: Api, path: str) -> Response:
    """The reply to a read. A new mount reports for a moment that it is being upgraded."""
    deadline = time.monotonic() + _UPGRADE_SECONDS
    while True:
        response = api.ask("GET", f"secret/data/{path}")
        upgrading = response.status == BAD_REQUEST and "pgrad" in error_text(response)
        if not upgrading or time.monotonic() > deadline:
            return response
        time.sleep(0.1)
