"""The rows of Vault: response times, and who may do what."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable

from nexusdev.components.scores import (
    Control,
    ControlResult,
    Measured,
    Score,
    ScoreBench,
    in_milliseconds,
    percentile,
    refusals,
)
from nexusdev.components.vault import names
from nexusdev.components.vault.client import OK, Api, Connections, document
from nexusdev.components.vault.desired_state import AUDIT_FILES
from nexusdev.components.vault.load import open_client
from nexusdev.components.vault.tokens import operator

_PATIENCE = 10.0


def _response(bench: ScoreBench) -> Measured:
    vault = open_client(bench.values, timeout=_PATIENCE)
    path = f"{names.OWN_FOLDER}/nexusdev-verify"
    vault.secrets.kv.v2.create_or_update_secret(path=path, secret={"value": "x" * 64})
    try:
        read = _times(bench, lambda: vault.secrets.kv.v2.read_secret_version(path=path, raise_on_deleted_version=True))
        encrypt = _times(
            bench, lambda: vault.secrets.transit.encrypt_data(name=names.TRANSIT_KEY, plaintext="c2VjcmV0")
        )
        renew = _times(bench, vault.auth.token.renew_self)
    finally:
        vault.secrets.kv.v2.delete_metadata_and_all_versions(path=path)
    details = {
        f"{kind} {name}": words
        for kind, samples in (("KV read", read), ("transit encrypt", encrypt), ("token renewal", renew))
        for name, words in in_milliseconds(samples).items()
    }
    return Measured(value=percentile(read, 0.95) * 1000, samples=len(read) + len(encrypt) + len(renew), details=details)


def _times(bench: ScoreBench, ask: Callable[[], object]) -> list[float]:
    """Return how long each request took, in seconds, one after the other."""
    found = []
    for _ in range(bench.count(300)):
        began = time.perf_counter()
        ask()
        found.append(time.perf_counter() - began)
    return found


def _root_tokens(bench: ScoreBench) -> ControlResult:
    with operator(_api(bench), bench.access) as api:
        accessors = api.need("LIST", "auth/token/accessors")["data"]["keys"]
        found = [api.ask("POST", "auth/token/lookup-accessor", {"accessor": each}) for each in accessors]
    policies = [document(each)["data"]["policies"] for each in found if each.status == OK]
    roots = sum("root" in each for each in policies)
    return ControlResult(passed=not roots, evidence=f"{roots} of {len(policies)} tokens have the policy root")


def _rights(bench: ScoreBench) -> ControlResult:
    from hvac.exceptions import Forbidden

    vault = open_client(bench.values, timeout=_PATIENCE)
    kv = vault.secrets.kv.v2
    return refusals(
        {
            "reading the owner's login": lambda: kv.read_secret_version(
                path="nexus-migrations/postgres", raise_on_deleted_version=True
            ),
            "writing among the platform's secrets": lambda: kv.create_or_update_secret(
                path="nexus/nexusdev-verify", secret={"value": "x"}
            ),
            "listing policies": vault.sys.list_policies,
            "listing auth methods": vault.sys.list_auth_methods,
            "a login of the owner": lambda: vault.secrets.database.generate_credentials(name="nexus-migrate"),
        },
        (Forbidden,),
    )


def _audit(bench: ScoreBench) -> ControlResult:
    """Ask for a secret that does not exist, and look for the request in the audit log of the active node."""
    path = f"{names.OWN_FOLDER}/verify-{uuid.uuid4().hex}"
    _api(bench).with_token(bench.values["VAULT_TOKEN"]).ask("GET", f"secret/data/{path}")
    file = AUDIT_FILES["file"]
    for node in names.nodes(bench.access):
        done = bench.access.runtime.execute(node, ["tail", "-n", "200", file])
        for line in done.stdout.decode(errors="replace").splitlines():
            if path in line and json.loads(line).get("type") == "response":
                return ControlResult(passed=True, evidence=f"a request is in {file} of {node}")
    return ControlResult(passed=False, evidence=f"a request is in {file} of no node")


def _api(bench: ScoreBench) -> Api:
    return Api(transport=Connections(bench.access))


SCORES = (
    Score(
        name="vault-response",
        title="Vault response time, p95 of a KV read",
        unit="ms",
        target=45.0,
        production="45 ms",
        method="one client, one request after the other, through the gateway: KV read, transit encrypt, token renewal",
        measure=_response,
    ),
)
CONTROLS = (
    Control(name="root-token", title="no root token of Vault is left", check=_root_tokens),
    Control(name="vault-rights", title="the application's token is limited to its own secrets", check=_rights),
    Control(name="vault-audit", title="Vault writes an audit log", check=_audit),
)
