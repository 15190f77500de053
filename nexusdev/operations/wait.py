"""wait: until a component or one of its servers is ready, writable, unsealed or down. 11 when the time is up, 10 when it crashes.

It needs no lock, and goes on through a ``restart`` or an ``up`` of somebody else: what is stopped on purpose has not crashed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from msgspec import Struct

from nexusdev.components.contract import Component, Node, Readiness
from nexusdev.components.diagnosis import diagnose
from nexusdev.crashes import Sentry, crash, last_lines
from nexusdev.errors import NotFound, NotReadyInTime, UsageError
from nexusdev.events import ComponentWaits
from nexusdev.instance.instance import Instance
from nexusdev.instance.lock import holders
from nexusdev.instance.state import lock_file
from nexusdev.operations.context import Context
from nexusdev.operations.outcome import Outcome
from nexusdev.operations.selection import unknown
from nexusdev.plan.snapshot import Snapshot, State
from nexusdev.ports import Site
from nexusdev.stack.model import Stack
from nexusdev.waiting import LONGEST, pause_after
from nexusdev.words import duration


class Sight(Struct, frozen=True, kw_only=True):
    """What one look told. ``service``: '' when the whole component is meant."""

    component: str
    service: str
    readiness: Readiness
    nodes: Sequence[Node]
    snapshot: Snapshot

    @property
    def own(self) -> list[Node]:
        """The nodes that are meant."""
        return [node for node in self.nodes if not self.service or node.service == self.service]

    @property
    def running(self) -> list[str]:
        """The services that are meant and whose containers run."""
        return [
            each.service
            for each in self.snapshot.containers.values()
            if each.component == self.component and each.state is State.RUNNING and self.service in ("", each.service)
        ]


def ready(sight: Sight) -> str:
    """What is missing until it does its job."""
    if not sight.service:
        return sight.readiness.missing
    if not sight.running:
        return f"{sight.service} does not run"
    bad = [f"{node.service} is {node.state}" for node in sight.own if not node.ok]
    return ", ".join(bad) or ("" if sight.own else f"{sight.service} does not answer")


def writable(sight: Sight) -> str:
    """What is missing until it takes writes: perhaps not complete yet, but in business."""
    if sight.readiness.ready or sight.readiness.seedable:
        return ""
    return sight.readiness.missing


def unsealed(sight: Sight) -> str:
    """What is missing until every Vault server is unsealed."""
    sealed = [node.service for node in sight.own if "sealed" in node.state.split() or node.state == "down"]
    if not sight.own:
        return "no server of it answers"
    return f"{', '.join(sealed)} sealed or down" if sealed else ""


def down(sight: Sight) -> str:
    """What still runs."""
    return f"{', '.join(sight.running)} still {'runs' if len(sight.running) == 1 else 'run'}" if sight.running else ""


CONDITIONS: dict[str, Callable[[Sight], str]] = {
    "ready": ready,
    "writable": writable,
    "unsealed": unsealed,
    "down": down,
}


def wait(context: Context, target: str, condition: str = "ready") -> Outcome:
    """Look until the condition holds. NotReadyInTime (11), CrashedDuringStart (10), UsageError for wrong words.

    NotFound (3) where there is no instance, and nobody is making it.
    """
    if condition not in CONDITIONS:
        raise unknown(condition, CONDITIONS, kind="condition", hint=f"nexusdev wait {target} --for {{}}")
    began = context.clock.now()
    instance = _made(context)
    stack = context.stack(instance)
    component, service = _meant(target, condition, stack)
    runtime = context.runtime(stack)
    site = instance.site(runtime, stack)
    services = {
        name: each for name, each in stack.services.items() if service in (name, "") and each.component == component
    }
    with Sentry(runtime=runtime, services=services, wall=context.wall, forgiving=True) as sentry:
        for name in services if condition != "down" else ():
            sentry.watch(name, starts=False)
        look = _Look(context=context, component=context.components[component], service=service, site=site)
        _until(context, look, CONDITIONS[condition], sentry, f"{target} is not {condition}", began=began)
    took = context.clock.now() - began
    return Outcome(
        instance=instance.name,
        data={"target": target, "condition": condition, "seconds": took},
        says=(f"{target} is {condition} (after {duration(took)})",),
    )


class _Look(Struct, kw_only=True):
    context: Context
    component: Component
    service: str
    site: Site

    def __call__(self) -> Sight:
        snapshot = self.site.runtime.observe()
        facts = self.component.look(self.site)
        return Sight(
            component=self.component.name,
            service=self.service,
            readiness=self.component.judge(facts),
            nodes=self.component.nodes(facts),
            snapshot=snapshot,
        )


def _made(context: Context) -> Instance:
    """The instance; while another command is making it, wait for that."""
    until = context.clock.now() + context.settings.timeout
    lock = lock_file(context.root, context.identity.name)
    while context.clock.now() < until and holders(lock):
        with suppress(NotFound):
            instance = context.instance()
            if instance.is_provided:
                return instance
        context.clock.sleep(LONGEST)
    return context.instance()


def _until(
    context: Context, look: _Look, missing: Callable[[Sight], str], sentry: Sentry, sentence: str, *, began: float
) -> None:
    told = ""
    while True:
        at = context.clock.now()
        sight = look()
        lacking = missing(sight)
        if not lacking:
            return
        if death := sentry.crashed():
            service = sentry.services[death.service]
            log = last_lines(sentry.runtime, service.name)
            container = sight.snapshot.containers.get(service.name)
            raise crash(death, service, container, log, diagnosis=diagnose([look.component], service, log))
        if lacking != told:
            elapsed = context.clock.now() - began
            context.listener.tell(ComponentWaits(component=sight.component, missing=lacking, elapsed=elapsed))
            told = lacking
        if context.clock.now() - began >= context.settings.timeout:
            raise NotReadyInTime(
                f"{sentence} after {context.settings.timeout:.0f} s",
                why=lacking,
                hint="nexusdev status   look at every node",
            )
        context.clock.sleep(pause_after(context.clock.now() - at))


def _meant(target: str, condition: str, stack: Stack) -> tuple[str, str]:
    """Component and service of a target."""
    if condition == "unsealed" and target != "vault" and not target.startswith("vault"):
        raise UsageError(f"only Vault can be unsealed, not {target}", hint="nexusdev wait vault --for unsealed")
    if target in stack.components:
        return target, ""
    if target in stack.services:
        return stack.services[target].component, target
    known = (*stack.components, *stack.services)
    raise unknown(target, known, kind="component or service", hint=f"nexusdev wait {{}} --for {condition}")
