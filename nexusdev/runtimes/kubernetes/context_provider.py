"""The provider of the runtime kubernetes (``--runtime kubernetes --context C``): any cluster, one namespace per instance."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nexusdev.check import Check, failed, good, warning
from nexusdev.errors import NotFound, PreflightFailed
from nexusdev.interfaces import Runtime
from nexusdev.runtimes.docker.provider import DockerProvider
from nexusdev.runtimes.kubernetes import home as homes
from nexusdev.runtimes.kubernetes.cluster import ClusterAccess
from nexusdev.runtimes.kubernetes.forward.control import ForwardControl, ForwardProcess
from nexusdev.runtimes.kubernetes.home import Home
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.provider import ClusterProvider
from nexusdev.runtimes.options import RuntimeOptions
from nexusdev.runtimes.published_images import PublishedImages, name_in
from nexusdev.util.memo import Memo
from nexusdev.util.parallel import together

if TYPE_CHECKING:
    from nexusdev.inventory import Inventory
    from nexusdev.runtimes.image_store import ImageStore
    from nexusdev.runtimes.kubernetes.render.options import Exposure
    from nexusdev.stack.model import Stack

_PUSHES = 4  # at once
#: Makes kubectl for a context.
Connect = Callable[[str], Kubectl]


def connect(context: str) -> Kubectl:
    """Return kubectl with the user's own kubeconfig, which is never changed."""
    return Kubectl(context=context)


class ContextProvider(ClusterProvider):
    """``provider.RuntimeProvider`` over the cluster of a context.

    Images are those of this machine's engine; ``deliver`` pushes them to the registry from which the nodes get them. Without a registry the
    nodes have to have them.
    """

    def __init__(
        self,
        options: RuntimeOptions | None = None,
        *,
        kubectl: Connect = connect,
        store: Callable[[], ImageStore] | None = None,
        forward: Callable[[Path], ForwardControl] = ForwardProcess,
    ) -> None:
        """Remember the options; nothing is asked.

        Args:
            options: The settings.
            kubectl: Makes kubectl for a context.
            store: Returns the image store; None for that of the engine.
            forward: Returns the forward with this folder.
        """
        self._options = options or RuntimeOptions()
        self._folder = Path(self._options.folder) if self._options.folder else None
        self._connect = kubectl
        self._make_forward = forward
        self._memo = Memo()
        docker = DockerProvider()
        super().__init__(self._access_of, store or docker.image_store)

    def runtime(self, instance: str, *, owner: Path, state_path: str = "", stack: Stack | None = None) -> Runtime:
        from nexusdev.runtimes.kubernetes.forwarded import ForwardedRuntime

        home, folder = self._home(instance), Path(state_path or self._folder_of(instance) or ".")
        return ForwardedRuntime(
            instance,
            owner_path=str(owner),
            state_path=state_path,
            stack=stack,
            cluster=self._access_of(instance),
            forward=self._make_forward(folder / "forward"),
            reach=self._options.reach,
            remember=partial(homes.record, folder, home),
        )

    def _folder_of(self, instance: str) -> Path | None:
        return self._folder.parent / instance if self._folder else None

    def _home(self, instance: str) -> Home:
        """Return where an instance lives; that of this command for ''. Settings only concern the latter."""
        own = self._folder.name if self._folder else ""
        name, options = instance or own, self._options
        is_own = not own or name == own
        folder = self._folder_of(name)
        home = homes.home_of(
            name, folder, context=options.context if is_own else "", namespace=options.place if is_own else ""
        )
        return home if home.context else Home(context=options.context, namespace=home.namespace, instance=name)

    def _access_of(self, instance: str) -> ClusterAccess:
        home, options = self._home(instance), self._options
        exposure: Exposure = options.reach  # type: ignore[assignment]
        published = PublishedImages(root=self._root())
        return ClusterAccess(
            connect=lambda: self._memo.get(("kubectl", home.context), lambda: self._connect(home.require_context())),
            namespace=home.namespace,
            profile="cluster",
            dev_access=True,
            adopts=home.adopts,
            exposure=exposure,
            sizes="kind",
            storage_class=options.storage_class,
            storage_size=options.storage_size,
            pull_secret=options.pull_secret,
            image=lambda reference: name_in(options.registry, reference),
            pin=published.pinned if options.registry else str,
        )

    def _root(self) -> Path:
        """Return the folder of all state."""
        return self._folder.parents[1] if self._folder else Path()

    def inventory(self, *, caches: bool = False) -> Inventory:
        """List the instances of this machine in the cluster. Those of others are not looked at: their folders are on other machines."""
        from nexusdev.runtimes.kubernetes.inventory import inventory_of

        del caches
        own = self._home("")
        context = own.require_context()
        known = [each for each in self._recorded() if each.context == context]
        return inventory_of(self._kubectl(), {(each.namespace, each.instance) for each in (own, *known)})

    def _recorded(self) -> list[Home]:
        folders = self._folder.parent.glob("*/") if self._folder else ()
        return [each for folder in folders if (each := homes.recorded(folder))]

    def checks(self, *, building: Callable[[], bool]) -> Iterator[Check]:
        program = shutil.which("kubectl")
        first = good("kubectl", program) if program else failed("kubectl", "it is not on the PATH")
        return iter([first, *super().checks(building=building), self._check_reach()])

    def _check_reach(self) -> Check:
        folder = self._folder / "forward" if self._folder else None
        status = self._make_forward(folder).status() if folder else None
        if status is None:
            return good("reach", f"{self._options.reach}; it does not run")
        if status.problem or not status.route:
            return warning("reach", status.problem or status.phase)
        return good("reach", status.route)

    def preflight(self, stack: Stack) -> None:
        """Raise PreflightFailed where a right, the storage class or the Secret for the registry is missing."""
        super().preflight(stack)
        access = self._access("")
        self._require_storage(access)
        if access.pull_secret:
            self._require_pull_secret(access)

    def _require_storage(self, access: ClusterAccess) -> None:
        """Refuse a storage class that does not exist. A user who may not list them learns it from the claims."""
        try:
            classes = self._kubectl().get_cluster_wide("storageclasses")
        except PreflightFailed:
            return
        names = [each["metadata"]["name"] for each in classes]
        if access.storage_class and access.storage_class not in names:
            raise PreflightFailed(
                f"the cluster has no storage class {access.storage_class}",
                why=f"it has {', '.join(names)}" if names else "it has none",
                hint="kubectl get storageclass\nNEXUSDEV_STORAGE_CLASS=NAME nexusdev up",
                code="STORAGE_CLASS",
            )
        check = self._check_storage()
        if not access.storage_class and check.verdict == "failed":
            raise PreflightFailed(
                "no storage class of the cluster is the default",
                why=f"it has {', '.join(names)}" if names else "it has none: no volume can be made",
                hint="NEXUSDEV_STORAGE_CLASS=NAME nexusdev up   name one",
                code="STORAGE_CLASS",
            )

    def _require_pull_secret(self, access: ClusterAccess) -> None:
        try:
            where = ("--namespace", access.namespace, "--output", "name")
            self._kubectl().run("get", "secret", access.pull_secret, *where)
        except NotFound as error:
            raise PreflightFailed(
                f"namespace {access.namespace} has no Secret {access.pull_secret}",
                why="nodes log in to the registry with it (setting pull_secret)",
                hint=f"kubectl create secret docker-registry {access.pull_secret} --namespace {access.namespace} "
                "--docker-server=… --docker-username=… --docker-password=…",
                code="PULL_SECRET",
            ) from error

    def deliver(self, *references: str) -> None:
        """Push images to the registry, once. Without a registry nodes have them, or get them from where their names say.

        Raises:
            ImageUnavailable: The registry does not take one.
        """
        if registry := self._options.registry:
            published = PublishedImages(root=self._root())
            together(
                {
                    each: partial(published.publish, self.image_store, each, registry, lambda _: None, ask=False)
                    for each in references
                },
                limit=_PUSHES,
            )
