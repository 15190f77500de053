"""The Vault component: implements ``components.contract``."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from nexusdev.components.contract import (
    Change,
    Client,
    Component,
    Credentials,
    GatewayRole,
    Link,
    Proof,
    Readiness,
    SeedFile,
    ServiceStatus,
    Variable,
)
from nexusdev.components.defaults import ComponentDefaults
from nexusdev.components.vault import names, readiness
from nexusdev.components.vault.api import Api, Connections, Transport, VaultError
from nexusdev.components.vault.arguments import reads_stdin
from nexusdev.components.vault.readiness import Facts
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.stack.losses import Holding
from nexusdev.wire.endpoint import PublishedEndpoint

_SECRET_ID_LENGTH = 36


class Vault(ComponentDefaults):
    """Three raft nodes and the fourth that unseals them."""

    name = "vault"
    title = "Vault"
    requires = ("gateway",)
    links = (Link(name="vault", variable="VAULT_ADDR", path="/ui/"),)
    gateway_roles = (GatewayRole(proxy="gateway-rw", name=names.ROLE, backend="vault-active"),)
    conditions = MappingProxyType({"unsealed": readiness.unsealed})

    def __init__(self, connect: Callable[[InstanceAccess], Transport] = Connections) -> None:
        self._connect = connect
        self._kept: tuple[InstanceAccess, Transport] | None = None

    def holdings(self) -> Sequence[Holding]:
        """The seal's key is kept in the state folder, too: its node can be made anew at any time."""
        return (
            Holding(group="vault", what="the secrets", enough=2),
            Holding(group="vault-unseal", what="the seal's key", enough=0),
        )

    def probe(self, access: InstanceAccess, *, test_writes: bool = False) -> Facts:
        del test_writes  # its readiness asks for no write
        return readiness.probe(self._transport(access), access.secrets)

    def assess(self, facts: Facts) -> Readiness:
        return readiness.assess(facts)

    def statuses(self, facts: Facts) -> Sequence[ServiceStatus]:
        return readiness.statuses(facts)

    def prepare(self, access: InstanceAccess, facts: Facts) -> None:
        """Initialise what is empty, once. What a server refuses for the moment is tried again after the next probe."""
        from nexusdev.components.vault import initialize, unsealer

        transport = self._transport(access)
        try:
            unseal = Api(transport=transport, server=names.UNSEAL, timeout=30)
            unsealer.prepare(unseal, access.secrets, access.runtime, facts)
            first = Api(transport=transport, server=names.NODES[0], timeout=60)
            initialize.prepare(first, access.secrets, access.runtime, facts)
        except OSError:
            return
        except VaultError as refused:
            if not refused.passing:
                raise

    def credentials(self, access: InstanceAccess) -> Credentials:
        from nexusdev.components.vault.variables import credentials

        del access
        return credentials()

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

    def variables(self, access: InstanceAccess, view: View) -> Sequence[Variable]:
        from nexusdev.components.vault.variables import variables

        return variables(access, view)

    def endpoints(self, values: Mapping[str, str]) -> Iterable[PublishedEndpoint]:
        from nexusdev.components.vault.quick_proof import endpoints

        return endpoints(values)

    def prove(self, access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
        from nexusdev.components.vault.proof import prove

        return prove(values, instance=access.instance, nonce=access.nonce)

    def rotate(self, access: InstanceAccess) -> Sequence[Change]:
        from nexusdev.components.vault.rotate import rotate

        alphabet = string.ascii_letters + string.digits
        fresh = "".join(secrets.choice(alphabet) for _ in range(_SECRET_ID_LENGTH))
        return rotate(self._active(access), access, fresh)

    def client(self, arguments: Sequence[str]) -> Client | None:
        """vault with the application's token at vault-active; ``--operator`` as the first argument logs in as the operator."""
        return Client(
            service=names.NODES[0], argv=("sh", "/etc/vault/client.sh", *arguments), reads_stdin=reads_stdin(arguments)
        )

    def _active(self, access: InstanceAccess) -> Api:
        return Api(transport=self._transport(access))

    def _transport(self, access: InstanceAccess) -> Transport:
        """The open connections to an instance, reused by later probes."""
        if self._kept is None or self._kept[0] is not access:
            self._kept = (access, self._connect(access))
        return self._kept[1]


def create() -> Component:
    """Return a new component. It keeps what it learns of one instance, so that each context has its own."""
    return Vault()
