"""The three nodes are initialised: exactly one of them, once, and its recovery key is kept before anything else."""

from __future__ import annotations

from nexusdev.components.vault import names
from nexusdev.components.vault.api import BAD_REQUEST, OK, Api, Refused, said
from nexusdev.components.vault.journal import INITIALISING_NODES, ROOT_OF_NODES, Journal
from nexusdev.components.vault.readiness import Facts
from nexusdev.components.vault.reset import begin_anew, lost
from nexusdev.ports import Runtime, SecretStore


def prepare(api: Api, secrets: SecretStore, runtime: Runtime, facts: Facts) -> None:
    """Initialise when all three say that they are empty; a single empty one joins the others by itself.

    Raises ``InvalidState`` when the data of the nodes belongs to a recovery key that is not in the store.
    """
    journal = Journal(secrets=secrets)
    known = bool(secrets.read(names.RECOVERY_KEY))
    born = [node.name for node in facts.nodes if node.answers and node.initialized]
    if not born and all(node.answers for node in facts.nodes):
        initialise(api, secrets, journal)
    elif known:
        journal.strike(INITIALISING_NODES)
    elif born and INITIALISING_NODES in journal:
        begin_anew(runtime, born)
    elif born:
        raise lost("Vault", names.RECOVERY_KEY)


def initialise(api: Api, secrets: SecretStore, journal: Journal) -> None:
    """One recovery share. Its own root token is dropped: seeding makes another one and revokes all.

    An initialisation whose reply was lost by a cut may still be at work in the server: then it says that it is initialised
    already, the journal says by whom, and the next look finds the nodes to be thrown away.
    """
    journal.note(INITIALISING_NODES)
    journal.note(ROOT_OF_NODES)
    if secrets.read(names.RECOVERY_KEY):
        secrets.write(names.RECOVERY_KEY, "")
    reply = api.ask("PUT", "sys/init", {"recovery_shares": 1, "recovery_threshold": 1})
    if reply.status == BAD_REQUEST and "already initialized" in said(reply):
        return
    if reply.status != OK:
        raise Refused(f"the initialisation of {api.server}", reply)
    secrets.write(names.RECOVERY_KEY, reply.json()["recovery_keys_base64"][0])
    journal.strike(INITIALISING_NODES)
