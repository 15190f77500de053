"""What counts as proof: this instance's nonce, from the right kind of server."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from nexusdev.components.postgres.proof import ProofEndpoint, Row, _refusal, proof_endpoints, verify
from nexusdev.components.postgres.variables import variables
from nexusdev.errors import Degraded, IdentityMismatch
from nexusdev.interfaces import Address, InstanceAccess, View
from nexusdev.wire import postgres as wire

ENDPOINT = ProofEndpoint(
    name="DATABASE_URL", address=Address(host="127.0.0.1", port=21032), user="u", password="p", database="d"
)


def test_the_endpoints_come_only_from_the_variables(access: InstanceAccess) -> None:
    values = {variable.name: variable.value for variable in variables(access, View.HOST)}
    found = proof_endpoints(values)
    assert [str(endpoint.address) for endpoint in found] == [
        "127.0.0.1:21032", "127.0.0.1:21032", "127.0.0.1:21033", "127.0.0.1:21034", "127.0.0.1:21032", "127.0.0.1:21032",
    ]  # fmt: skip
    assert {(endpoint.user, endpoint.password, endpoint.database) for endpoint in found[:-2]} == {
        ("nexus_app", values["PGPASSWORD"], "nexus_architect")
    }
    assert found[-2].user == "nexus_owner"
    assert (found[-1].user, found[-1].database) == ("nexus_test", "postgres")
    assert [endpoint.replica for endpoint in found] == [False, False, True, False, False, False]


def test_the_right_nonce_on_the_right_server_is_proof() -> None:
    verify(ENDPOINT, [("c0ffee", False)], "c0ffee")
    verify(replace(ENDPOINT, replica=True), [("c0ffee", True)], "c0ffee")


@pytest.mark.parametrize("rows", [[], [("another", False)], [(None, False)]])
def test_another_nonce_is_an_identity_mismatch(rows: list[Row]) -> None:
    with pytest.raises(IdentityMismatch, match="belongs to another instance"):
        verify(ENDPOINT, rows, "c0ffee")


def test_the_wrong_server_role_is_degraded() -> None:
    with pytest.raises(Degraded, match="leads to a replica"):
        verify(ENDPOINT, [("c0ffee", True)], "c0ffee")
    with pytest.raises(Degraded, match="leads to the primary"):
        verify(replace(ENDPOINT, replica=True), [("c0ffee", False)], "c0ffee")


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [("28P01", IdentityMismatch), ("3D000", IdentityMismatch), ("42P01", IdentityMismatch), ("57P03", Degraded), ("", Degraded)],
)  # fmt: skip
def test_a_refusal_is_classified_by_its_sqlstate(sqlstate: str, kind: type[Exception]) -> None:
    assert type(_refusal(ENDPOINT, wire.PostgresError("no", sqlstate))) is kind
