"""Where an instance lives: a context and a namespace. Recorded in its state folder when it is made, because it stays there."""

from __future__ import annotations

import json
from pathlib import Path

from msgspec import Struct

from nexusdev.errors import IdentityMismatch, InvalidConfig
from nexusdev.runtimes.kubernetes.names import project_of
from nexusdev.util.files import make_folder
from nexusdev.util.files import replace as replace_file

_FILE = Path("kubernetes") / "home.json"


class Home(Struct, frozen=True, kw_only=True):
    """A context and a namespace. ``context`` is '' where none is known."""

    context: str
    namespace: str
    instance: str

    @property
    def adopts(self) -> bool:
        """Whether the namespace may be one that nexusdev did not make: the user named it."""
        return self.namespace != project_of(self.instance)

    def require_context(self) -> str:
        """Return the context.

        Raises:
            InvalidConfig: None is known. The current context of the kubeconfig is never used unasked: it may be production's.
        """
        if not self.context:
            raise InvalidConfig(
                "the runtime kubernetes needs the name of a context",
                why="none is set, and the current context of the kubeconfig is never used unasked",
                hint="kubectl config get-contexts --output=name   list them\n"
                "nexusdev up --runtime kubernetes --context NAME\n"
                'context = "NAME"   in nexusdev.toml, or NEXUSDEV_CONTEXT',
                code="NO_CONTEXT",
            )
        return self.context


def home_of(instance: str, folder: Path | None, *, context: str, namespace: str) -> Home:
    """Return where an instance lives, or shall live.

    Args:
        instance: The instance.
        folder: Its state folder; None if it has none.
        context: The context of the settings; '' for none.
        namespace: The namespace of the settings; '' for none.

    Raises:
        IdentityMismatch: It lives elsewhere (CLUSTER_MISMATCH).
    """
    known = recorded(folder) if folder else None
    if known is None:
        return Home(context=context, namespace=namespace or project_of(instance), instance=instance)
    for what, was, asked in (("context", known.context, context), ("namespace", known.namespace, namespace)):
        if asked and asked != was:
            raise IdentityMismatch(
                f"instance {instance} lives in {what} {was}, not in {asked}",
                why=f"it was made there, with its data; {what} {asked} is set",
                hint=f"nexusdev -i {instance} --runtime kubernetes --{what} {was} up   work on it where it is\n"
                f"nexusdev -i {instance[:30]}-2 --runtime kubernetes --{what} {asked} up   start another instance",
                code="CLUSTER_MISMATCH",
            )
    return known


def recorded(folder: Path) -> Home | None:
    """Return where the instance of a state folder lives; None if that is not recorded."""
    try:
        values = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        return Home(context=values["context"], namespace=values["namespace"], instance=folder.name)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def record(folder: Path, home: Home) -> None:
    """Remember where an instance lives."""
    if recorded(folder) != home:
        file = folder / _FILE
        make_folder(file.parent)
        replace_file(file, json.dumps({"context": home.context, "namespace": home.namespace}))
