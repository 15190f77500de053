"""The rendered folder: one file per group of pods, the namespace, the default policies, and a ``kustomization.yaml`` that lists them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from nexusdev.runtimes.kubernetes.render.dev_gateway import (
    is_dev_gateway,
    kind_cluster,
    node_port_service,
    with_dev_gateway,
)
from nexusdev.runtimes.kubernetes.render.files import config_map, secret
from nexusdev.runtimes.kubernetes.render.manifest import Manifest, RenderContext
from nexusdev.runtimes.kubernetes.render.options import RenderOptions
from nexusdev.runtimes.kubernetes.render.pod_groups import PodGroup, pod_groups
from nexusdev.runtimes.kubernetes.render.policies import default_policies, policy
from nexusdev.runtimes.kubernetes.render.refusals import require_renderable
from nexusdev.runtimes.kubernetes.render.services import services
from nexusdev.runtimes.kubernetes.render.workloads import claims, disruption_budget, service_account, workload
from nexusdev.stack.model import Stack

KUSTOMIZATION = "kustomization.yaml"
#: The placeholders of all Secrets. No resource of the kustomization: an apply would replace real passwords by known ones.
SECRETS = "secrets.example.yaml"
#: The configuration of ``kind create cluster``; profile kind only.
KIND_CLUSTER = "kind-cluster.yaml"


class RenderedGroup(Struct, frozen=True, kw_only=True):
    """A group of pods and its objects, in the order in which they need each other.

    Attributes:
        group: The services.
        objects: ServiceAccount, ConfigMap, NetworkPolicy, Services, claims, workload, PodDisruptionBudget.
        secret: Its Secret with placeholders; None if it has no secret files.
    """

    group: PodGroup
    objects: tuple[Manifest, ...]
    secret: Manifest | None


class RenderedStack(Struct, frozen=True, kw_only=True):
    """The objects of a stack. ``groups``: each after those that it depends on."""

    namespace: Manifest
    policies: tuple[Manifest, ...]
    groups: tuple[RenderedGroup, ...]
    context: RenderContext


def rendered_stack(stack: Stack, options: RenderOptions) -> RenderedStack:
    """Render the objects of a stack, for those who apply them.

    Args:
        stack: The services, volumes and secrets.
        options: The profile, and the content of the config files.

    Raises:
        InvalidConfig: The compose files say something that Kubernetes cannot do; the error has file, line and key.
    """
    context = _context(stack, options)
    groups = tuple(
        RenderedGroup(group=group, objects=_documents(group, context), secret=secret(group, context))
        for group in context.groups
    )
    return RenderedStack(
        namespace=_namespace(context), policies=default_policies(context), groups=groups, context=context
    )


def manifests(stack: Stack, options: RenderOptions) -> Mapping[str, tuple[Manifest, ...]]:
    """Render a stack.

    Args:
        stack: The services, volumes and secrets.
        options: The profile, and the content of the config files.

    Returns:
        Path of each file → its documents, in the order in which they are applied. ``kustomization.yaml`` is the first.

    Raises:
        InvalidConfig: The compose files say something that Kubernetes cannot do; the error has file, line and key.
    """
    rendered = rendered_stack(stack, options)
    found: dict[str, tuple[Manifest, ...]] = {
        "namespace.yaml": (rendered.namespace,),
        "network-policies.yaml": rendered.policies,
        **{f"{each.group.component}/{each.group.name}.yaml": each.objects for each in rendered.groups},
    }
    secrets = tuple(each.secret for each in rendered.groups if each.secret)
    extra = {KIND_CLUSTER: (kind_cluster(stack),)} if options.profile == "kind" else {}
    return {KUSTOMIZATION: (_kustomization(found, rendered.context),), **found, SECRETS: secrets, **extra}


def _context(stack: Stack, options: RenderOptions) -> RenderContext:
    for service in stack.services.values():
        require_renderable(service, stack)
    if options.has_dev_gateway:
        stack, options = with_dev_gateway(stack, options)
    return RenderContext(stack=stack, options=options, groups=pod_groups(stack))


def _documents(group: PodGroup, context: RenderContext) -> tuple[Manifest, ...]:
    """Return the objects of a group, in the order in which they need each other."""
    exposed = (node_port_service(group, context),) if is_dev_gateway(group) else services(group, context)
    found = (
        service_account(group, context),
        config_map(group, context),
        policy(group, context),
        *exposed,
        *claims(group, context),
        workload(group, context),
        disruption_budget(group, context) if group.is_replicated else None,
    )
    return tuple(each for each in found if each)


def _namespace(context: RenderContext) -> Manifest:
    level = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": context.options.namespace, "labels": {**context.common, **level}},
    }


def _kustomization(files: Iterable[str], context: RenderContext) -> Manifest:
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": context.options.namespace,
        # In this order: the policies before the pods, and each group after those that it depends on.
        "sortOptions": {"order": "fifo"},
        "resources": list(files),
    }
