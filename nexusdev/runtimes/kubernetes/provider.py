"""The provider of instances in a cluster that nexusdev did not make."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nexusdev.check import Check, failed, good, warning
from nexusdev.errors import PreflightFailed
from nexusdev.interfaces import PlatformFacts, Runtime
from nexusdev.runtimes.kubernetes import rights
from nexusdev.runtimes.kubernetes.cluster import ClusterAccess
from nexusdev.runtimes.kubernetes.rights import Right

if TYPE_CHECKING:
    from nexusdev.inventory import Inventory
    from nexusdev.runtimes.image_store import ImageStore
    from nexusdev.runtimes.kubernetes.kubectl import Kubectl
    from nexusdev.stack.model import Stack

_LARGEST_SKEW = 120.0  # seconds between the clocks of this machine and of the cluster


class ClusterProvider:
    """``provider.RuntimeProvider`` over one cluster, whose nodes get their images from a registry or have them already."""

    runs_single_servers = False

    def __init__(self, access: Callable[[str], ClusterAccess], images: Callable[[], ImageStore]) -> None:
        """Remember the cluster; nothing is asked.

        Args:
            access: Returns the access for an instance.
            images: Returns the store in which images are built.
        """
        self._access = access
        self._images = images

    def labelled(self, labels: Mapping[str, str]) -> ClusterProvider:
        del labels
        return self

    def runtime(self, instance: str, *, owner: Path, state_path: str = "", stack: Stack | None = None) -> Runtime:
        from nexusdev.runtimes.kubernetes.runtime import KubernetesRuntime

        return KubernetesRuntime(
            instance, owner_path=str(owner), state_path=state_path, stack=stack, cluster=self._access(instance)
        )

    def _kubectl(self) -> Kubectl:
        return self._access("").connect()

    def inventory(self, *, caches: bool = False) -> Inventory:
        from nexusdev.runtimes.kubernetes.inventory import inventory

        del caches
        access = self._access("")
        return inventory(access.connect(), [access.namespace] if access.adopts else ())

    def volume_sizes(self) -> Mapping[str, int]:
        """Return nothing: a cluster tells what a claim asked for, not what is used."""
        return {}

    def facts(self) -> PlatformFacts:
        kubectl = self._kubectl()
        return PlatformFacts(version=f"{kubectl.version()} (context {kubectl.context})", identity=kubectl.context)

    def checks(self, *, building: Callable[[], bool]) -> Iterator[Check]:
        del building
        version = self._kubectl().version()
        return iter([good("cluster", version), self._check_clock(), self._check_storage(), self._check_rights()])

    def _check_clock(self) -> Check:
        ahead = self._kubectl().clock() - time.time()
        evidence = f"{ahead:+.0f} s compared with this machine"
        return good("clock", evidence) if abs(ahead) < _LARGEST_SKEW else warning("clock", evidence)

    def _check_storage(self) -> Check:
        """Check that claims without a class get one."""
        try:
            classes = self._kubectl().get_cluster_wide("storageclasses")
        except PreflightFailed as error:
            return warning("storage", error.message)
        marked = "storageclass.kubernetes.io/is-default-class"
        found = [each for each in classes if (each["metadata"].get("annotations") or {}).get(marked) == "true"]
        if found:
            return good("storage", f"default class {found[0]['metadata']['name']}")
        return failed("storage", "no storage class is the default", fix="kubectl get storageclass")

    def _check_rights(self) -> Check:
        access = self._access("")
        lacking = self._missing_rights(access)
        if lacking:
            words = ", ".join(str(each) for each in lacking)
            return failed("rights", f"missing in namespace {access.namespace}: {words}")
        return good("rights", f"all that is needed in namespace {access.namespace}")

    def _missing_rights(self, access: ClusterAccess) -> tuple[Right, ...]:
        kubectl = self._kubectl()
        creates = not rights.namespace_exists(kubectl, access.namespace)
        return rights.missing(kubectl, rights.needed(access.namespace, creates=creates))

    def preflight(self, stack: Stack) -> None:
        """Raise PreflightFailed where a right is missing."""
        del stack
        access = self._access("")
        if lacking := self._missing_rights(access):
            raise rights.refusal(self._kubectl(), access.namespace, lacking)

    def placement(self, slot: int, others: Collection[str], *, pool: str = "") -> str:
        """Return '': the cluster chooses addresses."""
        del slot, others, pool
        return ""

    def check_placement(self, instance: str, placement: str, *, pool: str = "") -> Check:
        del placement, pool
        return good("namespace", self._access(instance).namespace)

    def require_reach(self, root: Path) -> None:
        """Nothing to do: the cluster gets secrets and files by its API."""

    def require_clock(self) -> None:
        ahead = self._kubectl().clock() - time.time()
        if abs(ahead) > _LARGEST_SKEW:
            raise PreflightFailed(
                f"the clock of the cluster differs by {abs(ahead):.0f} s",
                why="certificates and signed requests would not be valid there",
                hint="timedatectl   check the clock of this machine",
                code="CLOCK_SKEW",
            )

    def image_store(self) -> ImageStore:
        return self._images()

    def own_images(self) -> tuple[str, ...]:
        """Return nothing: the cluster is not ours."""
        return ()

    def provide(self, stack: Stack, references: Mapping[str, str], say: Callable[[str], None]) -> None:
        """Do nothing: the cluster is there."""

    def deliver(self, *references: str) -> None:
        """Nothing to do: nodes pull what they do not have."""
