"""The variables of the last ``up``, stored in the state folder (0600) so that ``env`` need not compute them again.

``variables.json``: {"schema_version": 2, "instance", "nonce", "components": [names], "secret": [names],
"views": {"host": {name: value}, "container": {…}}}

``pending.json``: the names of the components that an ``up`` is starting, or did not finish. While it exists, the stored variables are
not complete.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from nexusdev.errors import InvalidState, NotFound

FILE = "variables.json"
PENDING = "pending.json"
SCHEMA_VERSION = 2


class Stored:
    """The stored variables of an instance.

    Attributes:
        instance: Name of the instance.
        nonce: Nonce of the instance.
        views: 'host' and 'container' → name → value.
        secret: Names whose values must not be shown in logs.
        components: The components that the variables belong to.
    """

    def __init__(
        self,
        *,
        instance: str,
        nonce: str,
        views: Mapping[str, Mapping[str, str]],
        secret: Collection[str] = (),
        components: Sequence[str] = (),
    ) -> None:
        self.instance = instance
        self.nonce = nonce
        self.views = views
        self.secret = frozenset(secret)
        self.components = tuple(components)


def write(folder: Path, stored: Stored) -> None:
    """Write the variables to the state folder of their instance."""
    from nexusdev.util.files import replace

    document = {
        "schema_version": SCHEMA_VERSION,
        "instance": stored.instance,
        "nonce": stored.nonce,
        "components": stored.components,
        "secret": sorted(stored.secret),
        "views": stored.views,
    }
    replace(folder / FILE, json.dumps(document, indent=1) + "\n")


def read(folder: Path) -> Stored:
    """Return the variables that the last ``up`` stored. Raises NotFound before the first ``up``, and InvalidState for an invalid file."""
    file = folder / FILE
    try:
        document: Any = json.loads(file.read_bytes())
        if document["schema_version"] != SCHEMA_VERSION:
            raise InvalidState(
                f"{file} was written by another version of nexusdev", hint="nexusdev up   write it again"
            )
        return Stored(
            instance=document["instance"],
            nonce=document["nonce"],
            views=document["views"],
            secret=document["secret"],
            components=document["components"],
        )
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(
            f"instance {folder.name} has no variables yet",
            why="nexusdev up has not succeeded for it yet",
            hint="nexusdev up",
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidState(
            f"{file} is invalid", why=f"it is incomplete: {error!r}", hint="nexusdev up   write it again"
        ) from error


def expect(folder: Path, components: Sequence[str]) -> None:
    """Record that an ``up`` starts these components."""
    from nexusdev.util.files import replace

    replace(folder / PENDING, json.dumps(list(components)))


def expected(folder: Path) -> tuple[str, ...]:
    """Return the components of an ``up`` that has not finished; empty if the stored variables are complete."""
    try:
        names: Any = json.loads((folder / PENDING).read_bytes())
    except (OSError, ValueError):
        return ()
    return tuple(names) if isinstance(names, list) else ()


def settle(folder: Path) -> None:
    """Record that the stored variables are complete."""
    (folder / PENDING).unlink(missing_ok=True)


def forget(folder: Path) -> None:
    """Remove the stored variables, because their values are about to change."""
    (folder / FILE).unlink(missing_ok=True)
