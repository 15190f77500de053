"""Observes a namespace and plans the steps of an intent: apply, scale, restart, delete. Pure over the observation."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from nexusdev.errors import IdentityMismatch, NexusError, NotFound, PreflightFailed, TeardownIncomplete
from nexusdev.plan import (
    Discard,
    Down,
    Exit,
    Halt,
    Intent,
    Observation,
    ObservedService,
    Phase,
    Plan,
    RemoveOneOffs,
    Restart,
    Start,
    Step,
    Stop,
    Up,
)
from nexusdev.stack.model import Service, Stack
from nexusdev.stack.order import closure
from tests.contract.pods.cluster import Claim, Container, Namespace, Workload


class PodsObservation(Observation, frozen=True, kw_only=True):
    """A namespace as it was looked at.

    Attributes:
        pods: Workload → service → hash of its definition.
        isolated: Workloads that a policy isolates.
        claim_owners: Claim → the folder that made it.
        foreign_users: Claim → the foreign pods that mount it.
    """

    pods: Mapping[str, Mapping[str, str]]
    isolated: frozenset[str]
    claim_owners: Mapping[str, str]
    foreign_users: Mapping[str, tuple[str, ...]]

    def pod_of(self, service: str) -> str:
        """The workload that has this service. Raises NotFound."""
        for name, containers in self.pods.items():
            if service in containers:
                return name
        raise NotFound(f"there is no service {service}", hint="nexusdev status")

    def running(self, pod: str) -> frozenset[str]:
        """The services of a workload that run."""
        return frozenset(name for name in self.pods[pod] if self.services[name].runs)

    def crashed(self, pod: str) -> bool:
        return any(self.services[name].has_ended for name in self.pods[pod])


class PodsStep(Step, frozen=True, kw_only=True):
    """One change of a workload, a claim or a policy.

    Attributes:
        template: What the pods of a workload are made from, for ``apply``: service → definition and hash.
    """

    template: Mapping[str, tuple[Service, str]] = {}


def observe(namespace: Namespace) -> PodsObservation:
    """Look at a namespace."""
    workloads, claims = namespace.workloads.values(), namespace.claims.items()
    services = {name: _observed(each, name) for each in workloads for name in each.template}
    owned = {name: each for name, each in claims if not each.foreign}
    made: list[Workload | Claim] = [*workloads, *owned.values()]
    return PodsObservation(
        services=services,
        volumes={name: f"claim/{name}" for name in owned},
        objects=tuple(each.object for each in services.values()),
        owners=frozenset(each.owner for each in made),
        state_path=next((each.state_path for each in made), ""),
        holding_ports=frozenset(
            name for each in workloads for name, (found, _) in each.template.items() if found.ports
        ),
        pods={each.name: {name: digest for name, (_, digest) in each.template.items()} for each in workloads},
        isolated=frozenset(each.name for each in workloads if each.isolated),
        claim_owners={name: each.owner for name, each in owned.items()},
        foreign_users={name: tuple(each.foreign_users) for name, each in owned.items()},
    )


def _observed(workload: Workload, name: str) -> ObservedService:
    service, _ = workload.template[name]
    pod = workload.pod or workload.halted
    container = pod.containers.get(name) if pod else None
    phase, word = _phase(workload, container)
    ended = container if container and container.crashed else None
    return ObservedService(
        service=name,
        component=service.component,
        role=service.role,
        phase=phase,
        word=word,
        since=container.started if container else 0.0,
        exit=Exit(code=ended.crashed, at=ended.ended) if ended else None,
        owner=workload.owner,
        object=f"container {name} of statefulset {workload.name}",
    )


def _phase(workload: Workload, container: Container | None) -> tuple[Phase, str]:
    if workload.halted and container and container.crashed:
        return Phase.FAILED, "halted"
    if workload.pod is None or container is None:
        return Phase.STOPPED, "scaled to 0"
    return (Phase.RESTARTING, "CrashLoopBackOff") if container.crashed else (Phase.RUNNING, "Running")


def plan_for(intent: Intent, seen: Observation, *, owner: str) -> Plan:
    """The steps of an intent; the errors are those of ``Runtime.plan``."""
    if not isinstance(seen, PodsObservation):
        raise NexusError("the observation belongs to another runtime")
    return Plan(steps=tuple(_steps(intent, seen, owner)))


def _steps(intent: Intent, seen: PodsObservation, owner: str) -> Iterator[Step]:
    match intent:
        case Up():
            yield from _up(intent, seen, owner)
        case Down(volumes=volumes, reason=reason):
            gone = seen.volumes if volumes else ()
            _refuse_users(seen, gone, TeardownIncomplete)
            yield from (_delete(seen, name, reason or "the instance is taken down") for name in seen.pods)
            yield from (_delete_claim(name, reason or "its data is destroyed") for name in gone)
        case Stop(services=named):
            running = [name for name in _named(seen, named) if seen.running(name)]
            yield from (_step(seen, "scale to 0", name, "it is stopped", ends=seen.running(name)) for name in running)
        case Start(services=named):
            stopped = [name for name in _named(seen, named) if not seen.running(name)]
            yield from (_start(seen, "scale to 1", name, "it is started") for name in stopped)
        case Restart(services=named):
            yield from (_start(seen, "restart", name, "it is restarted") for name in _named(seen, named))
        case Discard(services=services, reason=reason):
            yield from _discard(seen, services, reason)
        case Halt(service=service, reason=reason):
            yield _step(seen, "halt", seen.pod_of(service), reason, ends=seen.running(seen.pod_of(service)))
        case RemoveOneOffs():
            return  # they are gone when their command has ended


def _named(seen: PodsObservation, named: Collection[str] | None) -> list[str]:
    if named is None:
        return list(seen.pods)
    return list(dict.fromkeys(seen.pod_of(service) for service in named))


def _up(intent: Up, seen: PodsObservation, owner: str) -> Iterator[Step]:
    strangers = [each for each in seen.owners if each not in (owner, *intent.former)]
    if strangers:
        raise IdentityMismatch(f"this instance belongs to {strangers[0]}", hint="nexusdev ls")
    _refuse_users(seen, [name for several in intent.discard.values() for name in several], PreflightFailed)
    discarded = list(_discard(seen, intent.discard, "its component starts with empty data"))
    gone = {step.resource for step in discarded}
    yield from discarded
    wanted = _wanted(intent)
    for claim in _claims(intent.stack, wanted):
        if claim not in seen.volumes or claim in gone:
            yield _create_claim(claim)
    for name in [each for each in seen.pods if each not in intent.stack.services and intent.only is None]:
        yield _delete(seen, name, "it is no longer in the stack")
    for name in dict.fromkeys(each.shares or each.name for each in intent.stack.services.values()):
        template = _template(intent, seen, name, wanted)
        if template and name in wanted:
            yield from _brought_up(intent, seen, name, template, fresh=name not in seen.pods or name in gone)
        elif name in seen.pods and name in intent.unwanted:
            yield _delete(seen, name, intent.unwanted[name])


def _wanted(intent: Up) -> frozenset[str]:
    """The services that shall run."""
    stack = intent.stack
    selected = [each.name for each in stack.services.values() if intent.only is None or each.component in intent.only]
    return closure(stack.services, selected) - set(intent.unwanted)


def _claims(stack: Stack, wanted: Collection[str]) -> list[str]:
    return [mount.volume for name, each in stack.services.items() if name in wanted for mount in each.volumes]


def _template(intent: Up, seen: PodsObservation, pod: str, wanted: Collection[str]) -> dict[str, tuple[Service, str]]:
    """The containers that a pod shall have: what is wanted, and what it has already and nobody minds."""
    there = set(seen.pods.get(pod, ())) - set(intent.unwanted)
    members = [each for each in intent.stack.services.values() if pod in (each.name, each.shares)]
    return {
        each.name: (each, intent.fingerprints[each.name])
        for each in members
        if each.name in wanted or each.name in there
    }


def _brought_up(
    intent: Up, seen: PodsObservation, name: str, template: Mapping[str, tuple[Service, str]], *, fresh: bool
) -> Iterator[Step]:
    images = tuple(sorted({service.image for service, _ in template.values()}))
    starts = frozenset(template)
    before = {} if fresh else seen.pods[name]
    if before != {service: digest for service, (_, digest) in template.items()}:
        reason = next((intent.unwanted[each] for each in before if each in intent.unwanted), "its definition changed")
        yield PodsStep(
            action="apply",
            resource=name,
            reason="it does not exist" if fresh else reason,
            component=template[name][0].component,
            template=template,
            starts=starts,
            ends=frozenset() if fresh else seen.running(name),
            images=images,
        )
    elif seen.crashed(name) and seen.running(name) != starts:
        word = "scale to 1" if not seen.running(name) and _is_stopped(seen, name) else "restart"
        reason = "it is stopped" if word == "scale to 1" else "it crashed"
        yield _start(seen, word, name, reason)
    if name in seen.isolated:
        yield _step(seen, "delete policy", name, "a policy isolates it")


def _is_stopped(seen: PodsObservation, name: str) -> bool:
    return all(seen.services[each].phase in (Phase.STOPPED, Phase.FAILED) for each in seen.pods[name])


def _discard(seen: PodsObservation, services: Mapping[str, Collection[str]], reason: str) -> Iterator[Step]:
    _refuse_users(seen, [name for several in services.values() for name in several], TeardownIncomplete)
    for name in dict.fromkeys(seen.pod_of(service) for service in services):
        yield _delete(seen, name, reason)
    for claim in dict.fromkeys(name for several in services.values() for name in several):
        if claim in seen.volumes:
            yield _delete_claim(claim, reason)


def _refuse_users(seen: PodsObservation, claims: Collection[str], kind: type[NexusError]) -> None:
    for claim in claims:
        if users := seen.foreign_users.get(claim):
            raise kind(f"claim {claim} is in use by pod {users[0]}", hint="kubectl get pods --all-namespaces")


def _step(
    seen: PodsObservation,
    action: str,
    name: str,
    reason: str,
    *,
    starts: frozenset[str] = frozenset(),
    ends: frozenset[str] = frozenset(),
) -> PodsStep:
    component = seen.services[name].component
    return PodsStep(action=action, resource=name, reason=reason, component=component, starts=starts, ends=ends)


def _start(seen: PodsObservation, action: str, name: str, reason: str) -> PodsStep:
    """A new pod, after the end of what runs."""
    return _step(seen, action, name, reason, starts=frozenset(seen.pods[name]), ends=seen.running(name))


def _delete(seen: PodsObservation, name: str, reason: str) -> PodsStep:
    return PodsStep(
        action="delete",
        resource=name,
        reason=reason,
        component=seen.services[name].component,
        ends=frozenset(seen.pods[name]),
        removes="containers",
    )


def _delete_claim(name: str, reason: str) -> PodsStep:
    return PodsStep(action="delete claim", resource=name, reason=reason, after=(name,), removes="volumes")


def _create_claim(name: str) -> PodsStep:
    return PodsStep(action="create claim", resource=name, reason="it does not exist", makes_volumes=(name,))
