"""The Vault component: implements ``components.contract``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from nexusdev.components.contract import (
    Change,
    Client,
    Component,
    Credentials,
    GatewayRole,
    Link,
    Proof,
    SeedFile,
)
from nexusdev.components.defaults import ComponentDefaults
from nexusdev.components.vault import names, probe, quick_proof, readiness, status
from nexusdev.components.vault import variables as published
from nexusdev.components.vault.arguments import reads_stdin
from nexusdev.components.vault.client import Api, Connections, Transport, VaultError
from nexusdev.components.vault.readiness import Facts
from nexusdev.interfaces import InstanceAccess
from nexusdev.stack.losses import Holding
from nexusdev.util.passwords import random_password

if TYPE_CHECKING:
    from nexusdev.components.baseline import Baseline
    from nexusdev.components.drills import ProductLoad, Scenario
    from nexusdev.components.dynamic_logins import DynamicRole, HasDynamicLogins, IssuedLogin
    from nexusdev.components.leases import LeasePart
    from nexusdev.components.scores import Control, Score

_SECRET_ID_LENGTH = 36


class Vault(ComponentDefaults):
    """The raft nodes, and the node that unseals them."""

    name = names.NAME
    title = "Vault"
    requires = ("gateway",)
    links = (Link(name="vault", variable="VAULT_ADDR", path="/ui/"),)
    gateway_roles = (GatewayRole(name=names.ROLE, backend="vault-active"),)
    conditions = MappingProxyType({"unsealed": status.unsealed})

    assess = staticmethod(readiness.assess)
    statuses = staticmethod(status.statuses)
    credentials = staticmethod(published.credentials)
    variables = staticmethod(published.variables)
    endpoints = staticmethod(quick_proof.endpoints)

    def __init__(self, connect: Callable[[InstanceAccess], Transport] = Connections) -> None:
        self._connect = connect
        self._kept: tuple[InstanceAccess, Transport] | None = None

    def holdings(self) -> Sequence[Holding]:
        """A backup of the seal's key is in the state folder, so its node can be recreated at any time."""
        return (
            Holding(group=names.NODE_GROUP, what="the secrets", enough="majority"),
            Holding(group=names.UNSEALER_GROUP, what="the seal's key", enough=0),
        )

    def probe(self, access: InstanceAccess, *, test_writes: bool = False) -> Facts:
        del test_writes  # its readiness needs no test write
        return probe.probe(self._transport(access), access)

    def prepare(self, access: InstanceAccess, facts: Facts) -> None:
        """Initialize what is empty, once. What a server refuses for now is tried again after the next probe."""
        from nexusdev.components.vault import initialize, unsealer

        transport = self._transport(access)
        try:
            unseal = Api(transport=transport, server=facts.unseal.name, timeout=30)
            unsealer.prepare(unseal, access, facts)
            first = Api(transport=transport, server=facts.nodes[0].name, timeout=60)
            initialize.prepare(first, access, facts)
        except OSError:
            return
        except VaultError as refused:
            if not refused.passing:
                raise

    def seed(self, access: InstanceAccess, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        from nexusdev.components.vault.seed import seed

        return seed(self._active(access), access, credentials)

    def update_credentials(self, access: InstanceAccess, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        """Write what other components have rotated to the paths of its consumers."""
        from nexusdev.components.vault.seed import update_credentials

        return update_credentials(self._active(access), access, credentials)

    def refresh(self, access: InstanceAccess) -> Sequence[Change]:
        """Renew the application's token, or issue a new one where it has expired."""
        from nexusdev.components.vault.seed import unreachable
        from nexusdev.components.vault.tokens import refresh

        try:
            return list(refresh(self._active(access), access.secrets))
        except OSError as error:
            raise unreachable(error) from error

    def apply(self, access: InstanceAccess, files: Sequence[SeedFile]) -> Sequence[Change]:
        from nexusdev.components.vault.project_seed import apply

        return apply(self._active(access), access, files)

    def prove(self, access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
        from nexusdev.components.vault.proof import prove

        return prove(values, instance=access.instance, nonce=access.nonce)

    def rotate(self, access: InstanceAccess) -> Sequence[Change]:
        from nexusdev.components.vault.rotate import rotate

        return rotate(self._active(access), access, random_password(_SECRET_ID_LENGTH))

    def connected_clients(self, access: InstanceAccess) -> Sequence[str]:
        """Return none: each request to Vault stands alone."""
        del access
        return ()

    def reset_data(self, access: InstanceAccess, baseline: Baseline) -> Sequence[Change]:
        from nexusdev.components.vault.baseline import reset_data

        return reset_data(self._active(access), access, baseline)

    def lease_part(self) -> LeasePart:
        from nexusdev.components.vault.lease import VaultLease

        return VaultLease(self._active)

    def connect_database(self, access: InstanceAccess, name: str, database: HasDynamicLogins) -> Sequence[Change]:
        from nexusdev.components.vault.database_engine import connect

        return connect(self._active(access), access, name, database)

    def issue(self, access: InstanceAccess, roles: Sequence[DynamicRole]) -> Mapping[str, IssuedLogin]:
        from nexusdev.components.vault.database_engine import issue

        return issue(self._active(access), access, roles)

    def renew(self, access: InstanceAccess, issued: IssuedLogin) -> float:
        from nexusdev.components.vault.database_engine import renew

        return renew(self._active(access), issued)

    def revoke(self, access: InstanceAccess, issued: IssuedLogin) -> None:
        from nexusdev.components.vault.database_engine import revoke

        revoke(self._active(access), access, issued)

    def client(self, arguments: Sequence[str]) -> Client | None:
        """vault with the application's token at vault-active; ``--operator`` as the first argument logs in as the operator."""
        return Client(
            group=names.NODE_GROUP,
            argv=("sh", "/etc/vault/client.sh", *arguments),
            reads_stdin=reads_stdin(arguments),
        )

    def _active(self, access: InstanceAccess) -> Api:
        return Api(transport=self._transport(access))

    def _transport(self, access: InstanceAccess) -> Transport:
        """The open connections to an instance, reused by later probes."""
        if self._kept is None or self._kept[0] is not access:
            self._kept = (access, self._connect(access))
        return self._kept[1]

    def scenarios(self) -> Sequence[Scenario]:
        from nexusdev.components.vault.scenarios import SCENARIOS

        return SCENARIOS

    def load(self) -> ProductLoad:
        from nexusdev.components.vault.load import VaultLoad

        return VaultLoad()

    def scores(self) -> Sequence[Score]:
        from nexusdev.components.vault.scores import SCORES

        return SCORES

    def controls(self) -> Sequence[Control]:
        from nexusdev.components.vault.scores import CONTROLS

        return CONTROLS


def create(components: Mapping[str, Component]) -> Component:  # noqa: ARG001 - the signature of every component
    """Return a new component."""
    return Vault()
