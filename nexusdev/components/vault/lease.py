"""Vault's part of a lease: a folder below ``secret/``, a policy for this folder, and an AppRole with a token."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from nexusdev.components.contract import Variable
from nexusdev.components.leases import LeasePartDefaults, Slice
from nexusdev.components.vault import desired_state, kv, names, variables
from nexusdev.components.vault.client import Api
from nexusdev.components.vault.seed import unreachable
from nexusdev.components.vault.tokens import operator
from nexusdev.components.vault.variables import VaultLogin
from nexusdev.interfaces import InstanceAccess, View

_PREFIX = "nexus-lease-"
_POLICIES = "sys/policies/acl"
_LOGIN = "auth/approle/login"


class VaultLease(LeasePartDefaults):
    """Implements ``components.leases.LeasePart``. The policy is created first and removed last: it marks what exists of a slice."""

    def __init__(self, connect: Callable[[InstanceAccess], Api]) -> None:
        self._connect = connect

    def make(self, access: InstanceAccess, slice_: Slice, *, template: Slice | None = None) -> Mapping[str, str]:
        """Issue a token that lives as long as the slice."""
        del template
        name, role = _name(slice_), _role(slice_)
        ttl = int(slice_.ttl)
        login = {"role_id": slice_.secret("vault-role"), "secret_id": slice_.secret("vault")}
        with self._operator(access) as api:
            api.need("PUT", f"{_POLICIES}/{name}", {"policy": desired_state.folder_policy(folder(slice_))})
            api.need("POST", role, {"token_policies": [name], "token_ttl": ttl, "token_max_ttl": ttl})
            api.need("POST", f"{role}/role-id", {"role_id": login["role_id"]})
            api.need("POST", f"{role}/custom-secret-id", {"secret_id": login["secret_id"]})
            issued = api.with_token("").need("POST", _LOGIN, login)["auth"]
        return {"vault-token": issued["client_token"], "vault-accessor": issued["accessor"]}

    def empty(self, access: InstanceAccess, slice_: Slice) -> None:
        """With the slice's own token: a login as operator takes longer than the removal."""
        try:
            kv.remove(self._connect(access).with_token(slice_.facts["vault-token"]), f"{folder(slice_)}/")
        except OSError as error:
            raise unreachable(error) from error

    def drop(self, access: InstanceAccess, slice_: Slice) -> None:
        with self._operator(access) as api:
            api.need("DELETE", _role(slice_))
            if accessor := slice_.facts.get("vault-accessor"):
                api.ask("POST", "auth/token/revoke-accessor", {"accessor": accessor})  # it may have expired
            kv.remove(api, f"{folder(slice_)}/")
            api.need("DELETE", f"{_POLICIES}/{_name(slice_)}")

    def found(self, access: InstanceAccess) -> frozenset[str]:
        with self._operator(access) as api:
            policies = api.need("LIST", _POLICIES)["data"]["keys"]
        return frozenset(name.removeprefix(_PREFIX) for name in policies if name.startswith(_PREFIX))

    def describe(self, slice_: Slice) -> str:
        return f"secret/{folder(slice_)}/"

    def variables(self, access: InstanceAccess, slice_: Slice) -> Sequence[Variable]:
        login = VaultLogin(
            token=slice_.facts.get("vault-token", ""),
            role_id=slice_.secret("vault-role"),
            secret_id=slice_.secret("vault"),
            comment="valid as long as the lease",
        )
        own = Variable(name="VAULT_KV_PREFIX", value=f"{folder(slice_)}/", comment="the only folder below secret/")
        return (*variables.published(access, View.HOST, login), own)

    @contextmanager
    def _operator(self, access: InstanceAccess) -> Iterator[Api]:
        try:
            with operator(self._connect(access), access) as api:
                yield api
        except OSError as error:
            raise unreachable(error) from error


def folder(slice_: Slice) -> str:
    """Return the slice's folder below ``secret/``."""
    return f"{names.LEASES}/{slice_.id}"


def _name(slice_: Slice) -> str:
    return f"{_PREFIX}{slice_.id}"


def _role(slice_: Slice) -> str:
    return f"auth/approle/role/{_name(slice_)}"
