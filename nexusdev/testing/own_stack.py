"""``--nexus=up``: the instance of the project, brought up for a test run where none runs, and taken down by the last run that uses it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from secrets import token_hex

from msgspec.structs import replace

from nexusdev.api_queries import succeeded
from nexusdev.context import Context
from nexusdev.errors import NotFound
from nexusdev.instance.run_claims import RUN_VARIABLE, Claims, RunClaim

_COMMAND = "pytest"


class OwnStack:
    """What the first process of a test run holds. ``end`` takes the instance down if no other run uses it."""

    def __init__(self, context: Context) -> None:
        """Begin a run on the instance of the context. Nothing is started yet."""
        self._context = context
        self._claims = Claims(root=self._context.root)
        self._id = f"{os.getpid()}-{token_hex(4)}"
        self._alive = ExitStack()
        self._alive.enter_context(self._claims.living(self._id, _COMMAND))
        os.environ[RUN_VARIABLE] = self._id

    def end(self) -> None:
        """Take down the instance that this run, or one that was killed, brought up. Others that use it keep it.

        Raises:
            NexusError: Something is left; the next run continues.
        """
        from nexusdev.operations.destroy import destroy
        from nexusdev.operations.down import down

        os.environ.pop(RUN_VARIABLE, None)
        name = self._context.identity.name
        with self._alive, self._claims.changing(name, _COMMAND):
            claim = self._claims.read(name)
            if claim is None or self._id not in claim.runs:
                return
            others = tuple(each for each in self._claims.alive(claim) if each != self._id)
            if others:
                self._claims.write(name, replace(claim, runs=others))
                return
            context = replace(self._context)  # what it read before the instance was brought up is outdated
            succeeded(destroy(context) if claim.created else down(context))
            self._claims.write(name, None)


def bring_up(context: Context, *, keep: bool, tell: Callable[[str], None]) -> None:
    """Bring the instance up if it does not run. The processes of a run may call this at once.

    Args:
        context: A context of the instance.
        keep: Whether it stays after the run.
        tell: Called with a sentence before the instance is started.

    Raises:
        NexusError: It does not become ready.
    """
    from nexusdev.operations.up import up

    claims, name, run = Claims(root=context.root), context.identity.name, os.environ.get(RUN_VARIABLE, "")
    with claims.changing(name, _COMMAND):
        claim, exists, ready = claims.read(name), _exists(context), _ready(context)
        if keep:
            claims.write(name, None)
        elif claim or not (ready or _runs(context)):
            known = claim or RunClaim(created=not exists)
            used = tuple(dict.fromkeys((*claims.alive(known), run)))
            claims.write(name, replace(known, runs=used))
        if not ready:
            tell(f"bringing up instance {name} for these tests")
            succeeded(up(replace(context)))


def _exists(context: Context) -> bool:
    try:
        return bool(context.instance())
    except NotFound:
        return False


def _runs(context: Context) -> bool:
    """Whether any of its services runs: then somebody uses it, and it stays after the run."""
    return bool(replace(context).runtime().observe().running_components)


def _ready(context: Context) -> bool:
    """Whether all of its services do their work: an ``up`` that was killed leaves some that do not."""
    from nexusdev.operations.status import status

    try:
        return status(replace(context)).ready
    except NotFound:
        return False
