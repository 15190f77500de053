"""The load of Vault: hvac with VAULT_ADDR, VAULT_TOKEN and VAULT_CACERT. Numbers are secrets; the register is one more."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from nexusdev.components.drills import LoadClient, LoadKind
from nexusdev.components.vault.names import OWN_FOLDER

_PATIENCE = 3


class VaultLoad:
    """``components.drills.ProductLoad``."""

    kinds = (LoadKind(name="kv", path="VAULT_ADDR", register=True),)

    def prepare(self, values: Mapping[str, str], mark: str) -> None:
        _secrets(open_client(values)).create_or_update_secret(
            path=f"{OWN_FOLDER}/{mark}/register", secret={"value": None}
        )

    def client(self, kind: str, values: Mapping[str, str], mark: str) -> LoadClient:
        del kind
        return VaultLoadClient(values=values, folder=f"{OWN_FOLDER}/{mark}")

    def remove(self, values: Mapping[str, str], mark: str) -> None:
        import hvac.exceptions

        client = _secrets(open_client(values))
        for folder in (f"{OWN_FOLDER}/{mark}/numbers", f"{OWN_FOLDER}/{mark}"):
            with contextlib.suppress(hvac.exceptions.InvalidPath):
                for key in client.list_secrets(path=folder)["data"]["keys"]:
                    client.delete_metadata_and_all_versions(path=f"{folder}/{key.rstrip('/')}")


class VaultLoadClient(Struct, kw_only=True):
    """``components.drills.LoadClient``."""

    values: Mapping[str, str]
    folder: str
    vault: Any = None

    def connect(self) -> None:
        self.vault = open_client(self.values)

    def write(self, number: int) -> None:
        secrets = _secrets(self.vault)
        secrets.create_or_update_secret(path=f"{self.folder}/numbers/{number}", secret={"number": number})
        secrets.create_or_update_secret(path=f"{self.folder}/register", secret={"value": number})

    def read(self) -> int | None:
        found = _secrets(self.vault).read_secret_version(path=f"{self.folder}/register", raise_on_deleted_version=True)
        value: int | None = found["data"]["data"]["value"]
        return value

    def stored(self) -> set[int]:
        import hvac.exceptions

        try:
            listed = _secrets(self.vault).list_secrets(path=f"{self.folder}/numbers")
        except hvac.exceptions.InvalidPath:
            return set()
        return {int(key) for key in listed["data"]["keys"]}

    def close(self) -> None:
        if self.vault is not None:
            self.vault.adapter.close()
            self.vault = None


def open_client(values: Mapping[str, str], *, timeout: float = _PATIENCE) -> Any:
    """Return hvac with the variables of the env file. ``timeout``: seconds for each request."""
    import hvac

    return hvac.Client(
        url=values["VAULT_ADDR"], token=values["VAULT_TOKEN"], verify=values["VAULT_CACERT"], timeout=timeout
    )


def _secrets(client: Any) -> Any:
    return client.secrets.kv.v2
