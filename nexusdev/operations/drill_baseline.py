"""The way back from a drill: faults undone, servers started, everything ready and proven, traces of the clients removed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress

from nexusdev.components.drills import ProductLoad
from nexusdev.context import Context
from nexusdev.drills import catalogue, undo
from nexusdev.drills.load import said
from nexusdev.drills.undo import Unfinished
from nexusdev.env import stored
from nexusdev.errors import NotFound, UsageError
from nexusdev.events import Note
from nexusdev.faults import Fault, FaultInjector
from nexusdev.operations.lifecycle import start_locked

#: How often the removal of what a drill wrote is tried, and the seconds between two: servers that have just come back answer slowly.
_ATTEMPTS, _PAUSE = 4, 1.0


def restore(context: Context, record: Unfinished) -> None:
    """Bring an instance back to where it was before a drill, and forget the record. The caller holds the locks.

    Args:
        context: The context of the command.
        record: What the drill did.

    Raises:
        NexusError: A server does not become ready, or does not answer as published. The record is kept.
    """
    from nexusdev.deploy.publisher import prove

    instance = context.instance()
    runtime = context.runtime(context.stack(instance))
    existing = runtime.observe().services
    if not existing:  # down or destroy removed what there was to undo
        undo.forget(instance.folder)
        return
    if runtime.faults is not None:
        lift(runtime.faults, record)
    start_locked(context, [name for name in record.running if name in existing], command="drill")
    kept = stored.read(instance.folder)
    _remove_traces(context, record, kept.views["host"])
    prove(kept, context.components)
    undo.forget(instance.folder)


def lift(faults: FaultInjector, record: Unfinished) -> None:
    """End the fault of a drill if it lasts. A server that does not run has nothing to end."""
    if not record.fault or (end := undo.ENDS.get(Fault(record.fault))) is None:
        return
    with suppress(NotFound, UsageError):
        faults.inject(end, *record.victims)


def _remove_traces(context: Context, record: Unfinished, values: Mapping[str, str]) -> None:
    if not record.mark:
        return
    for name, product in catalogue.products(context.components, record.loads).items():
        try:
            _removed(product, values, record.mark)
        except Exception as error:  # whatever a client library raises
            text = f"{name}: what the drill wrote ({record.mark}) was not removed: {said(error)}"
            context.listener.tell(Note(text=text, warning=True))


def _removed(product: ProductLoad, values: Mapping[str, str], mark: str) -> None:
    """Remove what clients wrote, with more attempts if need be. Raises what the last attempt raises."""
    for _ in range(_ATTEMPTS - 1):
        try:
            product.remove(values, mark)
        except Exception:  # whatever a client library raises
            time.sleep(_PAUSE)
        else:
            return
    product.remove(values, mark)
