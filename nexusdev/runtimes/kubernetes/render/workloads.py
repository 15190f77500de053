"""The objects that run pods: StatefulSet or Deployment, ServiceAccount, PodDisruptionBudget, claims."""

from __future__ import annotations

from nexusdev.runtimes.kubernetes.render.containers import container, grace_period, pod_security
from nexusdev.runtimes.kubernetes.render.files import CHECKSUM, checksum
from nexusdev.runtimes.kubernetes.render.graph import container_ports, edges
from nexusdev.runtimes.kubernetes.render.manifest import Manifest, RenderContext
from nexusdev.runtimes.kubernetes.render.pod_groups import PodGroup
from nexusdev.runtimes.kubernetes.render.services import governing_name
from nexusdev.runtimes.kubernetes.render.volumes import PodVolumes, claim_of, claim_spec, pod_volumes

_HOST = "kubernetes.io/hostname"
_REVISIONS = 3
_LONGEST_LABEL = 63


def service_account(group: PodGroup, context: RenderContext) -> Manifest:
    """Return the account of a group's pods. It has no rights and no token."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": context.metadata(group.name, group),
        "automountServiceAccountToken": False,
    }


def workload(group: PodGroup, context: RenderContext) -> Manifest:
    """Return the StatefulSet of a group of several members, else a Deployment.

    Raises:
        InvalidConfig: The members differ in more than their names.
    """
    mounted = pod_volumes(group, context)
    template = _template(group, mounted, context)
    spec = _stateful(group, mounted, context) if group.is_replicated else _single(mounted)
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet" if group.is_replicated else "Deployment",
        "metadata": _metadata(group, context),
        "spec": {
            "replicas": len(group.members),
            "revisionHistoryLimit": _REVISIONS,
            "selector": {"matchLabels": context.selector(group)},
            **spec,
            "template": template,
        },
    }


def disruption_budget(group: PodGroup, context: RenderContext) -> Manifest:
    """Return the budget of a group: nodes are drained one pod at a time."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": context.metadata(group.name, group),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": context.selector(group)},
        },
    }


def claims(group: PodGroup, context: RenderContext) -> tuple[Manifest, ...]:
    """Return the claims of a single pod. A StatefulSet makes its own from templates."""
    if group.is_replicated:
        return ()
    return tuple(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": context.metadata(claim_of(name, group), group),
            "spec": claim_spec(context),
        }
        for name in pod_volumes(group, context).claims
    )


def _metadata(group: PodGroup, context: RenderContext) -> Manifest:
    """Return the metadata with the version: the tag of the image. It is no label of the pods, which a new tag replaces anyway."""
    metadata = context.metadata(group.name, group)
    _, _, tag = group.first.image.partition("@")[0].rpartition("/")[2].partition(":")
    if tag:
        metadata["labels"]["app.kubernetes.io/version"] = tag[:_LONGEST_LABEL].rstrip("-_.")
    return metadata


def _stateful(group: PodGroup, mounted: PodVolumes, context: RenderContext) -> Manifest:
    templates = [
        {"metadata": {"name": name, "labels": context.selector(group)}, "spec": claim_spec(context)}
        for name in mounted.claims
    ]
    return {
        "serviceName": governing_name(group),
        # Every server waits for its peers by itself.
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate"},
        **(
            {
                "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
                "volumeClaimTemplates": templates,
            }
            if templates
            else {}
        ),
    }


def _single(mounted: PodVolumes) -> Manifest:
    """Return the strategy of a Deployment. Two pods cannot have one volume; without one, the new pod starts first."""
    if mounted.claims:
        return {"strategy": {"type": "Recreate"}}
    return {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}


def _template(group: PodGroup, mounted: PodVolumes, context: RenderContext) -> Manifest:
    ports = container_ports(context.groups, edges(context.stack, context.groups))
    hashed = checksum(group, context)
    pull_secret = context.options.pull_secret
    containers = [
        container(services, ports[services[0].group], mounted.mounts[services[0].group], context)
        for services in group.containers
    ]
    return {
        "metadata": {
            "labels": context.labels(group),
            **({"annotations": {CHECKSUM: hashed}} if hashed else {}),
        },
        "spec": {
            **({} if group.is_replicated else {"hostname": group.name}),
            "serviceAccountName": group.name,
            **({"imagePullSecrets": [{"name": pull_secret}]} if pull_secret else {}),
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": grace_period([services[0] for services in group.containers]),
            "securityContext": pod_security(group.first),
            **({"topologySpreadConstraints": [_spread(group, context)]} if group.is_replicated else {}),
            "containers": containers,
            **({"volumes": list(mounted.volumes)} if mounted.volumes else {}),
        },
    }


def _spread(group: PodGroup, context: RenderContext) -> Manifest:
    return {
        "maxSkew": 1,
        "topologyKey": _HOST,
        "whenUnsatisfiable": context.options.values.spread,
        # A control plane that no pod may run on is no place that is left empty.
        "nodeTaintsPolicy": "Honor",
        "labelSelector": {"matchLabels": context.selector(group)},
    }
