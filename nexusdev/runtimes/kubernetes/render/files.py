"""Config and secret files: one ConfigMap and one Secret per group of pods, and the checksum that renews the pods when a config changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from nexusdev.runtimes.kubernetes.render.manifest import Manifest, RenderContext
from nexusdev.runtimes.kubernetes.render.pod_groups import PodGroup
from nexusdev.runtimes.kubernetes.render.refusals import refusal
from nexusdev.stack.document import config_error
from nexusdev.stack.model import Secret
from nexusdev.stack.positions import position_of

#: Annotation of pods: a changed config replaces them.
CHECKSUM = "checksum/config"
# A ConfigMap or Secret holds at most 1 MiB (etcd's limit on requests is 1.5 MiB).
_LARGEST = 1024 * 1024


def config_map(group: PodGroup, context: RenderContext) -> Manifest | None:
    """Return the ConfigMap of a group; None if it has no config files.

    Raises:
        InvalidConfig: A config is a file that only this machine has, or the configs are too large.
    """
    data = _configs(group, context)
    if not data:
        return None
    size = sum(len(text.encode()) for text in data.values())
    if size > _LARGEST:
        raise refusal(
            context.stack,
            group.first,
            "configs",
            f"the configs of {group.name} have {size} bytes",
            why=f"a ConfigMap holds at most {_LARGEST}",
        )
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": context.metadata(group.name, group), "data": data}


def secret(group: PodGroup, context: RenderContext) -> Manifest | None:
    """Return the Secret of a group with placeholders that describe each value; None if it has no secret files."""
    names = sorted(file.name for file in group.files if file.kind == "secret")
    if not names:
        return None
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": context.metadata(group.name, group),
        "type": "Opaque",
        "stringData": {name: placeholder(context.stack.secrets[name]) for name in names},
    }


def checksum(group: PodGroup, context: RenderContext) -> str:
    """Return the hash of the configs of a group, without those that servers read again when they change; '' for none."""
    fixed = {name: text for name, text in _configs(group, context).items() if name not in context.stack.live}
    return hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest() if fixed else ""


def placeholder(declared: Secret) -> str:
    """Return a text that says what the value of a secret has to be.

    Derived secrets have their template, whose references name other secrets. A secret that nexusdev writes later is empty.
    """
    recipe = declared.recipe
    if recipe.text:
        return recipe.text
    if recipe.password:
        return f"<password: {recipe.password} characters of A-Z, a-z, 0-9>"
    if recipe.key:
        return f"<key: {recipe.key} random bytes, base64>"
    if recipe.jwt:
        claims = ", ".join(f"{name}: {value}" for name, value in recipe.jwt.items() if name != "key")
        return f"<JWT: HS512 with {recipe.jwt['key']}; {claims}>"
    if recipe.certificate:
        kind = "private key" if declared.file.suffix == ".key" else "certificate"
        return f"<PEM: {kind} {recipe.certificate}>"
    return ""


def _configs(group: PodGroup, context: RenderContext) -> Mapping[str, str]:
    names = sorted(file.name for file in group.files if file.kind == "config")
    return {name: _content(name, context) for name in names}


def _content(name: str, context: RenderContext) -> str:
    if name not in context.options.configs:
        raise config_error(
            position_of(context.stack, "configs", name, "file"),
            f"config {name} cannot be rendered",
            why="its file is created on this machine for one instance",
        )
    return context.options.configs[name]
