"""Vault as the engine sees it: the contract of components, each method one line that says where it is done."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping, Sequence

from nexusdev.components.contract import Change, Client, Credentials, Node, Proof, Readiness, SeedFile, Variable
from nexusdev.components.vault import names, readiness
from nexusdev.components.vault.api import Api, Connections, Refused, Transport
from nexusdev.components.vault.arguments import reads_stdin
from nexusdev.components.vault.readiness import Facts
from nexusdev.plan.losses import Holding
from nexusdev.ports import Site, View

_SECRET_ID_LENGTH = 36


class Vault:
    """Three raft nodes and the fourth that unseals them."""

    name = "vault"
    title = "Vault"

    def __init__(self, door: Callable[[Site], Transport] = Connections) -> None:
        self._door = door
        self._kept: tuple[Site, Transport] | None = None

    def holdings(self) -> Sequence[Holding]:
        """The seal's key is kept in the state folder, too: its node can be made anew at any time."""
        return (
            Holding(group="vault", what="the secrets", enough=2),
            Holding(group="vault-unseal", what="the seal's key", enough=0),
        )

    def look(self, site: Site) -> Facts:
        return readiness.look(self._transport(site), site.secrets)

    def judge(self, facts: Facts) -> Readiness:
        return readiness.judge(facts)

    def nodes(self, facts: Facts) -> Sequence[Node]:
        return readiness.nodes(facts)

    def prepare(self, site: Site, facts: Facts) -> None:
        """Initialise what is empty, once. What a server refuses for the moment is tried again after the next look."""
        from nexusdev.components.vault import birth, seal

        transport = self._transport(site)
        try:
            unseal = Api(transport=transport, server=names.UNSEAL, timeout=30)
            seal.prepare(unseal, site.secrets, site.runtime, facts)
            first = Api(transport=transport, server=names.NODES[0], timeout=60)
            birth.prepare(first, site.secrets, site.runtime, facts)
        except OSError:
            return
        except Refused as refused:
            if not refused.passing:
                raise

    def credentials(self, site: Site) -> Credentials:
        from nexusdev.components.vault.variables import credentials

        del site
        return credentials()

    def seed(self, site: Site, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        from nexusdev.components.vault.seed import seed

        return seed(self._active(site), site, credentials)

    def update_credentials(self, site: Site, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        """Write what other components have rotated to the paths of its consumers."""
        from nexusdev.components.vault.seed import update_credentials

        return update_credentials(self._active(site), site, credentials)

    def refresh(self, site: Site) -> Sequence[Change]:
        """Renew the application's token, or issue a new one where it has expired."""
        from nexusdev.components.vault.seed import unreachable
        from nexusdev.components.vault.tokens import refresh

        try:
            return list(refresh(self._active(site), site.secrets))
        except OSError as error:
            raise unreachable(error) from error

    def apply(self, site: Site, files: Sequence[SeedFile]) -> Sequence[Change]:
        from nexusdev.components.vault.project import apply

        return apply(self._active(site), site, files)

    def variables(self, site: Site, view: View) -> Sequence[Variable]:
        from nexusdev.components.vault.variables import variables

        return variables(site, view)

    def prove(self, site: Site, values: Mapping[str, str]) -> Sequence[Proof]:
        from nexusdev.components.vault.proof import prove

        return prove(values, instance=site.instance, nonce=site.nonce)

    def rotate(self, site: Site) -> Sequence[Change]:
        from nexusdev.components.vault.rotate import rotate

        alphabet = string.ascii_letters + string.digits
        fresh = "".join(secrets.choice(alphabet) for _ in range(_SECRET_ID_LENGTH))
        return rotate(self._active(site), site, fresh)

    def client(self, arguments: Sequence[str]) -> Client | None:
        """vault with the application's token at vault-active; ``--operator`` as the first argument logs in as the operator."""
        return Client(
            service=names.NODES[0], argv=("sh", "/etc/vault/client.sh", *arguments), reads_stdin=reads_stdin(arguments)
        )

    def _active(self, site: Site) -> Api:
        return Api(transport=self._transport(site))

    def _transport(self, site: Site) -> Transport:
        """The door of a site, kept open from look to look."""
        if self._kept is None or self._kept[0] is not site:
            self._kept = (site, self._door(site))
        return self._kept[1]


COMPONENT = Vault()
