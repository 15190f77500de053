"""The rights that a user needs are asked for in one process, and what is missing is said exactly."""

from __future__ import annotations

import json
from collections.abc import Collection
from subprocess import CompletedProcess

import pytest

from nexusdev.errors import NotFound, PreflightFailed
from nexusdev.runtimes.kubernetes import kubectl_errors, rights
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.rights import needed


class LimitedUser(Kubectl):
    """An API server that allows everything but some rights (``create secrets``) and tells one namespace."""

    def __init__(self, lacking: Collection[str] = (), *, namespace: str = "ns", may_look: bool = True) -> None:
        super().__init__(context="team")
        self.lacking = lacking
        self.namespace = namespace
        self.may_look = may_look
        self.asked: list[str] = []

    def run(self, *arguments: str, stdin: bytes | None = None, timeout: float = 1.0) -> bytes:
        del timeout
        self.asked.append(arguments[0])
        match arguments:
            case ("create", *_):
                reviews = json.loads(stdin or b"")["items"]
                return "\n".join(json.dumps(self._answer(each)) for each in reviews).encode()
            case ("get", "namespace", name, *_):
                if not self.may_look:
                    words = 'User "ann" cannot get resource "namespaces" in API group "" in the namespace "ns"'
                    raise kubectl_errors.translated(f"Error from server (Forbidden): {words}", "team")
                if name != self.namespace:
                    raise NotFound(name)
                return b"namespace/ns"
            case ("auth", "whoami", *_):
                return json.dumps({"status": {"userInfo": {"username": "ann"}}}).encode()
        raise AssertionError(arguments)

    def outcome(self, *arguments: str, stdin: bytes | None = None, timeout: float = 1.0) -> CompletedProcess[bytes]:
        raise AssertionError(arguments)

    def _answer(self, review: dict[str, object]) -> dict[str, object]:
        found: dict[str, str] = review["spec"]["resourceAttributes"]  # type: ignore[index]
        resource = "/".join(filter(None, (found["resource"], found.get("subresource", ""))))
        name = f"{found['verb']} {'.'.join(filter(None, (resource, found['group'])))}"
        return {**review, "status": {"allowed": name not in self.lacking}}


def test_everything_is_asked_for_in_one_process() -> None:
    user = LimitedUser()
    assert rights.missing(user, needed("ns", creates=True)) == ()
    assert user.asked == ["create"]


@pytest.mark.parametrize(
    "right", ["create secrets", "delete statefulsets.apps", "create pods/portforward", "watch pods"]
)
def test_a_missing_right_is_named_as_kubectl_takes_it(right: str) -> None:
    user = LimitedUser({right})
    lacking = rights.missing(user, needed("ns", creates=False))
    assert [str(each) for each in lacking] == [right]
    error = rights.refusal(user, "ns", lacking)
    assert error.code == "RIGHT_MISSING"
    assert f"the right to {right} in namespace ns is missing" in error.message
    assert f"kubectl --context team auth can-i {right} --namespace ns" in error.hint
    assert "--clusterrole=admin --user=ann --namespace=ns" in error.hint


def test_a_namespace_that_does_not_exist_needs_the_right_to_make_it() -> None:
    user = LimitedUser({"create namespaces"})
    assert not rights.namespace_exists(user, "other")
    lacking = rights.missing(user, needed("other", creates=True))
    error = rights.refusal(user, "other", lacking)
    assert "namespace other does not exist, and user ann may not create it" in error.message
    assert "nexusdev up --namespace NAME" in error.hint


def test_nothing_of_the_whole_cluster_is_asked_for_where_the_namespace_exists() -> None:
    assert {each.namespace for each in needed("ns", creates=False)} == {"ns"}


def test_a_namespace_that_may_not_be_looked_at_is_taken_for_existing() -> None:
    assert rights.namespace_exists(LimitedUser(may_look=False), "ns")


def test_an_answer_as_one_list_is_understood() -> None:
    class Listing(LimitedUser):
        def run(self, *arguments: str, stdin: bytes | None = None, timeout: float = 1.0) -> bytes:
            told = super().run(*arguments, stdin=stdin, timeout=timeout).decode().splitlines()
            return json.dumps({"kind": "List", "items": [json.loads(each) for each in told]}).encode()

    assert len(rights.missing(Listing({"create secrets"}), needed("ns", creates=False))) == 1


def test_errors_of_the_api_server_are_passed_on() -> None:
    class Unreachable(LimitedUser):
        def run(self, *arguments: str, stdin: bytes | None = None, timeout: float = 1.0) -> bytes:
            raise kubectl_errors.translated("Unable to connect to the server: EOF", "team")

    with pytest.raises(PreflightFailed) as raised:
        rights.namespace_exists(Unreachable(), "ns")
    assert raised.value.code == "CLUSTER_UNREACHABLE"
