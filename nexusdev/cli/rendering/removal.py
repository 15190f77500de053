"""What ``down`` and ``destroy`` show."""

from __future__ import annotations

from typing import Any

from nexusdev.cli.output import Rendered, Text
from nexusdev.deploy.teardown import RemovedResources
from nexusdev.operations.destroy import DestroyResult
from nexusdev.operations.destroy_service import DestroyServiceResult, in_words
from nexusdev.operations.down import DownResult
from nexusdev.util.humanize import pluralize


def _down(result: DownResult) -> Rendered:
    words = (
        f"down: {pluralize(len(result.removed.containers), 'container')} and the network are removed; the data is kept"
        if result.changed
        else "nothing to do: this instance has no containers"
    )
    return Rendered(
        data={"removed": _data(result.removed)},
        output=(words, *([Text(result.notice, "dim")] if result.notice else [])),
    )


def _destroy(result: DestroyResult) -> Rendered:
    gone = result.removed
    settings = ", secrets and settings" if result.state else ""
    kept = f"; secrets and settings in {result.kept_state} are kept" if result.kept_state else ""
    words = (
        f"destroyed: {pluralize(len(gone.containers), 'container')}, {pluralize(len(gone.volumes), 'volume')}{settings}{kept}"
        if result.changed
        else "nothing to do: this instance does not exist"
    )
    return Rendered(
        data={
            "removed": _data(gone),
            "state": result.state,
            "env_file": str(result.env_file) if result.env_file else "",
            "snapshot": result.snapshot,
        },
        output=(words, *([f"nexusdev snapshot restore {result.snapshot}   get it back"] if result.snapshot else [])),
    )


def _destroy_service(result: DestroyServiceResult) -> Rendered:
    words = (
        f"destroyed: {in_words(result.removed)}; nexusdev up recreates it"
        if result.changed
        else "nothing to do: its container and volume do not exist"
    )
    return Rendered(data={"removed": _data(result.removed)}, output=(words,))


def _data(gone: RemovedResources) -> dict[str, Any]:
    return {
        "containers": list(gone.containers),
        "networks": list(gone.networks),
        "volumes": list(gone.volumes),
    }


RENDERERS = {DownResult: _down, DestroyResult: _destroy, DestroyServiceResult: _destroy_service}
