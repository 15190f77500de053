"""What kubectl says becomes an error with a status of its own, what is wrong, and what to type."""

from __future__ import annotations

import pytest

from nexusdev.errors import NexusError, NotFound, PreflightFailed, RuntimeRefused, RuntimeSlow
from nexusdev.runtimes.kubernetes.kubectl_errors import translated

FORBIDDEN = 'Error from server (Forbidden): pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "shop"'


@pytest.mark.parametrize(
    ("words", "kind", "code"),
    [
        ("The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?", PreflightFailed, "CLUSTER_UNREACHABLE"),
        ("Unable to connect to the server: dial tcp 10.0.0.1:443: i/o timeout", PreflightFailed, "CLUSTER_UNREACHABLE"),
        ("Unable to connect to the server: net/http: TLS handshake timeout", PreflightFailed, "CLUSTER_UNREACHABLE"),
        ('error: context "gone" does not exist', PreflightFailed, "CLUSTER_ACCESS"),
        ("error: You must be logged in to the server (Unauthorized)", PreflightFailed, "CLUSTER_ACCESS"),
        (FORBIDDEN, PreflightFailed, "RIGHT_MISSING"),
        ('Error from server (NotFound): pods "db-0" not found', NotFound, "NOT_FOUND"),
        ("Error from server (Timeout): the server was unable to return a response in time", RuntimeSlow, "ENGINE_SLOW"),
        ("Error from server: etcdserver: request timed out", RuntimeSlow, "ENGINE_SLOW"),
        ('The Service "web" is invalid: spec.ports: Required value', RuntimeRefused, "CLUSTER_REFUSED"),
    ],
)  # fmt: skip
def test_words_of_kubectl_have_a_kind_and_a_code(words: str, kind: type[NexusError], code: str) -> None:
    error = translated(words, "kind-dev")
    assert (type(error), error.code) == (kind, code)


def test_a_forbidden_request_names_the_missing_right() -> None:
    error = translated(FORBIDDEN, "kind-dev")
    assert error.message == "the right to list pods in namespace shop is missing"
    assert error.why == "context kind-dev is user ann"
    assert "auth can-i list pods --namespace shop" in error.hint


def test_a_right_in_an_api_group_has_its_group() -> None:
    words = 'User "ann" cannot create resource "statefulsets" in API group "apps" in the namespace "shop"'
    assert "create statefulsets.apps in namespace shop" in translated(words, "kind-dev").message
