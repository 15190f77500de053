"""What a user needs in a namespace, and what of it is missing: asked of the API server, before anything is applied."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from nexusdev.errors import NexusError, NotFound, PreflightFailed
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.render.manifest import Manifest

_OBJECTS = ("get", "list", "create", "patch", "delete")
#: API group → resource → verbs.
_NEEDED: Sequence[tuple[str, str, Sequence[str]]] = (
    ("apps", "statefulsets", _OBJECTS),
    ("apps", "deployments", _OBJECTS),
    ("", "services", _OBJECTS),
    ("", "configmaps", _OBJECTS),
    ("", "secrets", _OBJECTS),
    ("", "persistentvolumeclaims", _OBJECTS),
    ("", "serviceaccounts", _OBJECTS),
    ("networking.k8s.io", "networkpolicies", _OBJECTS),
    ("policy", "poddisruptionbudgets", _OBJECTS),
    ("", "pods", (*_OBJECTS, "watch")),
    ("", "pods/exec", ("create",)),
    ("", "pods/log", ("get",)),
    ("", "pods/portforward", ("create",)),
)


class Right(Struct, frozen=True, kw_only=True):
    """A verb on a resource. ``namespace``: '' for an object of the whole cluster."""

    verb: str
    group: str
    resource: str
    namespace: str

    def __str__(self) -> str:
        """``create statefulsets.apps``, as ``kubectl auth can-i`` takes it."""
        return f"{self.verb} {'.'.join(part for part in (self.resource, self.group) if part)}"

    @property
    def review(self) -> Manifest:
        """The object that asks for it."""
        resource, _, sub = self.resource.partition("/")
        attributes = {"verb": self.verb, "group": self.group, "resource": resource, "namespace": self.namespace}
        return {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {**attributes, **({"subresource": sub} if sub else {})}},
        }


def needed(namespace: str, *, creates: bool) -> tuple[Right, ...]:
    """Return every right that an instance needs.

    Args:
        namespace: Its namespace.
        creates: Whether the namespace has to be made.
    """
    found = [
        Right(verb=verb, group=group, resource=resource, namespace=namespace)
        for group, resource, verbs in _NEEDED
        for verb in verbs
    ]
    first = [Right(verb="create", group="", resource="namespaces", namespace="")] if creates else []
    return (*first, *found)


def missing(kubectl: Kubectl, rights: Iterable[Right]) -> tuple[Right, ...]:
    """Return the rights that the user does not have, asked in one process.

    Raises:
        PreflightFailed: The API server does not answer, or nobody is logged in.
    """
    asked = tuple(rights)
    reviews = {"apiVersion": "v1", "kind": "List", "items": [each.review for each in asked]}
    told = kubectl.run("create", "--filename", "-", "--output", "json", stdin=json.dumps(reviews).encode())
    answers = [bool(each.get("status", {}).get("allowed")) for each in _documents(told.decode())]
    return tuple(right for right, allowed in zip(asked, answers, strict=True) if not allowed)


def namespace_exists(kubectl: Kubectl, namespace: str) -> bool:
    """Return whether a namespace exists. One that the user may not look at is taken for existing: the rights in it decide."""
    try:
        kubectl.run("get", "namespace", namespace, "--output", "name")
    except NotFound:
        return False
    except PreflightFailed as error:
        if error.code != "RIGHT_MISSING":
            raise
    return True


def refusal(kubectl: Kubectl, namespace: str, lacking: Sequence[Right]) -> PreflightFailed:
    """Return the error for missing rights.

    Args:
        kubectl: The cluster.
        namespace: The namespace.
        lacking: What is missing; at least one.
    """
    user = _user(kubectl)
    first, scope = lacking[0], f"in namespace {namespace}"
    if not first.namespace:
        return PreflightFailed(
            f"namespace {namespace} does not exist, and user {user} may not create it",
            why=f"the right to {first} in the whole cluster is missing",
            hint=f"nexusdev up --namespace NAME   use a namespace that you have\n"
            f"kubectl create namespace {namespace}   an administrator of the cluster can do it",
            evidence=[str(each) for each in lacking],
            code="RIGHT_MISSING",
        )
    more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
    return PreflightFailed(
        f"the right to {first} {scope} is missing{more}",
        why=f"context {kubectl.context} is user {user}; nothing was applied",
        hint=f"kubectl --context {kubectl.context} auth can-i {first} --namespace {namespace}   check it once it was granted\n"
        f"kubectl create rolebinding nexusdev --clusterrole=admin --user={user} --namespace={namespace}"
        "   an administrator of the cluster can grant all that is needed",
        evidence=[str(each) for each in lacking],
        code="RIGHT_MISSING",
    )


def _user(kubectl: Kubectl) -> str:
    try:
        told = json.loads(kubectl.run("auth", "whoami", "--output", "json"))
        return str(told["status"]["userInfo"]["username"])
    except (NexusError, ValueError, KeyError):
        return "USER"


def _documents(text: str) -> Iterator[Any]:
    """Yield the objects of kubectl's output: one list, or one document after the other."""
    decoder, place = json.JSONDecoder(), 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        found, place = decoder.raw_decode(text, place)
        yield from found.get("items", (found,))
