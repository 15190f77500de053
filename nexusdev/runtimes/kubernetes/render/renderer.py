"""The renderer of ``nexusdev render k8s``: manifests as text, with the comments that explain each file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from nexusdev.runtimes.kubernetes.render.folder import KIND_CLUSTER, KUSTOMIZATION, SECRETS, manifests
from nexusdev.runtimes.kubernetes.render.options import PROFILES, ProfileName, RenderOptions
from nexusdev.runtimes.kubernetes.render.text import to_yaml
from nexusdev.runtimes.manifests import RenderedManifests
from nexusdev.stack.model import Stack

_MARK = "Rendered by nexusdev"
_COMMENTS: Mapping[str, str] = {
    KUSTOMIZATION: f"""\
{_MARK} from its compose files. Do not edit: write an overlay that has this folder among its resources.
    kubectl apply --server-side -k .
The Secrets are not part of it: secrets.example.yaml says what each of them has to contain.""",
    SECRETS: """\
What the Secrets have to contain. Not applied by the kustomization. {{name}} is the value of another secret; an empty one is written later.""",
    KIND_CLUSTER: """\
kind create cluster --config kind-cluster.yaml
The host ports of the stack, on 127.0.0.1 only, mapped to the node ports of gateway-dev.""",
}


class KubernetesRenderer:
    """Implements ``ManifestRenderer``."""

    @property
    def profiles(self) -> Sequence[str]:
        return PROFILES

    @property
    def user(self) -> tuple[int, int]:
        return 10001, 10001

    def render(
        self, stack: Stack, *, profile: str, configs: Mapping[str, str], dev_access: bool = False
    ) -> RenderedManifests:
        options = RenderOptions(profile=cast(ProfileName, profile), configs=configs, dev_access=dev_access)
        found = manifests(stack, options)
        files = {name: to_yaml(documents, comment=_COMMENTS.get(name, "")) for name, documents in found.items()}
        [kustomization] = found[KUSTOMIZATION]
        return RenderedManifests(
            files=files,
            applied=tuple(kustomization["resources"]),
            index=KUSTOMIZATION,
            unlisted=(SECRETS, KIND_CLUSTER),
            mark=f"# {_MARK}",
        )
