"""up, from nothing and from every odd state, told as a person would see it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from nexusdev.deploy import last_up
from nexusdev.errors import (
    CrashedDuringStart,
    ImageUnavailable,
    InvalidState,
    Locked,
    NotReadyInTime,
    PreflightFailed,
    SeedingFailed,
    UsageError,
)
from nexusdev.events import ComponentWaits, Planned
from nexusdev.instance.instance import locked
from nexusdev.interfaces import Runtime
from nexusdev.inventory import Inventory
from nexusdev.operations.dry_run import dry_run
from nexusdev.operations.up import up
from nexusdev.plan import Halt, Intent, Observation, Plan, Step
from nexusdev.runtimes.image_store import Say, StoredImage
from nexusdev.runtimes.memory.images import MemoryImages
from nexusdev.runtimes.memory.provider import MemoryProvider
from nexusdev.runtimes.memory.runtime import MemoryRuntime
from nexusdev.util.humanize import duration
from tests.fakes import House, shown
from tests.imports import imported_by


def test_a_first_up_makes_everything_ready_seeded_and_proven(house: House) -> None:
    outcome = up(house.context())
    assert shown(outcome).data["ready"] == ["redis", "gateway"]
    assert {container.service for container in house.engine.containers.values()} == {"redis-0", "redis-1", "gateway-rw"}
    assert house.redis.calls == house.gateway.calls == ["seed", "prove"]
    assert "REDIS_PLACE=127.0.0.1" in (house.project / ".env.nexusdev").read_text()


def test_a_second_up_takes_no_step(house: House) -> None:
    up(house.context())
    done = len(house.engine.done)
    again = up(house.context())
    assert len(house.engine.done) == done
    assert shown(again).data["changed"] is False


def test_a_stopped_service_is_started_and_others_are_left_alone(house: House) -> None:
    up(house.context())
    house.engine.kill(house.container("redis-1"))
    house.heard.events.clear()
    up(house.context())
    (planned,) = house.heard.of(Planned)
    assert str(planned.plan) == "start redis-1: it exited with code 137"


def test_a_renamed_container_is_recreated_although_it_holds_the_port(house: House) -> None:
    up(house.context())
    port = house.context().instance().port(71)
    renamed = house.engine.named(house.container("redis-1"))
    assert renamed is not None
    renamed.name += "-by-hand"
    house.taken_ports.add(port)
    up(house.context())
    assert house.engine.named(house.container("redis-1")) is not None
    assert house.engine.named(f"{house.container('redis-1')}-by-hand") is None


def test_selecting_a_component_includes_the_gateway(house: House) -> None:
    assert shown(up(house.context(), ["redis"])).data["ready"] == ["redis", "gateway"]


def test_prometheus_gets_the_expected_services(house: House) -> None:
    def told() -> dict[str, str]:
        lines = (house.context().instance().folder / "metrics.prom").read_text().splitlines()
        return dict(line.rsplit(" ", 1) for line in lines if line.startswith("nexusdev_service_wanted"))

    up(house.context(), ["gateway"])
    assert told()['nexusdev_service_wanted{service="redis-1",component="redis"}'] == "0.000"
    up(house.context(), ["redis"])
    assert set(told().values()) == {"1.000"}


def test_an_unknown_component_suggests_the_nearest(house: House) -> None:
    with pytest.raises(UsageError, match="redsi") as error:
        up(house.context(), ["redsi"])
    assert "redis" in error.value.why


def test_each_readiness_sentence_is_reported_once(house: House) -> None:
    house.redis.sentences = ["no master yet"] * 5 + ["1 of 2 replicas"] * 3
    up(house.context())
    told = [event.missing for event in house.heard.of(ComponentWaits) if event.component == "redis"]
    assert told == ["no master yet", "1 of 2 replicas"]


def test_a_server_that_exits_at_start_is_reported_with_cause_and_log(house: House) -> None:
    house.engine.crashes["redis-1"] = 1
    house.redis.on_look = lambda _: house.engine.say(house.container("redis-1"), "Fatal config error")
    with pytest.raises(CrashedDuringStart) as error:
        up(house.context())
    assert error.value.message.startswith("redis is not ready: redis-1 exited (code 1)")
    assert "nexusdev logs redis-1" in error.value.hint
    assert house.engine.named(house.container("redis-1")) is not None, "the wreck is kept"


def test_a_crash_is_reported_even_if_its_container_cannot_be_halted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.engine.crashes["redis-1"] = 1
    applied, planned = MemoryRuntime.apply, MemoryRuntime.plan

    def log_before_start(self: MemoryRuntime, step: Step) -> None:
        if "redis-1" in step.starts:
            house.engine.say(house.container("redis-1"), "Fatal config error")
        applied(self, step)

    def refuse(self: MemoryRuntime, intent: Intent, observation: Observation | None = None) -> Plan:
        if isinstance(intent, Halt):
            raise PreflightFailed("lost the connection to the engine", code="ENGINE_LOST")
        return planned(self, intent, observation)

    monkeypatch.setattr(MemoryRuntime, "apply", log_before_start)
    monkeypatch.setattr(MemoryRuntime, "plan", refuse)
    with pytest.raises(CrashedDuringStart) as error:
        up(house.context())
    assert error.value.message.startswith("redis is not ready: redis-1 exited (code 1)")
    assert any("Fatal config error" in line for line in error.value.evidence)
    assert "failed to halt it: PreflightFailed: lost the connection to the engine" in error.value.evidence[-1]


def test_an_engine_lost_during_up_is_reported_with_the_progress(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    applied = MemoryRuntime.apply

    def apply(self: MemoryRuntime, step: Step) -> None:
        if "gateway-rw" in step.starts:
            raise PreflightFailed("lost the connection to the engine", code="ENGINE_LOST")
        applied(self, step)

    monkeypatch.setattr(MemoryRuntime, "apply", apply)
    with pytest.raises(PreflightFailed, match="lost the connection") as error:
        up(house.context())
    steps, started, *running = error.value.evidence
    assert steps.endswith(" of 9 steps were finished")
    assert started.startswith("started: ")
    assert "running: start gateway-rw" in running


def test_a_server_that_never_becomes_ready_is_reported_with_what_is_missing(house: House) -> None:
    house.redis.sentences = ["no member is primary yet"] * 10_000
    with pytest.raises(NotReadyInTime) as error:
        up(house.context(timeout=1.0))
    assert error.value.message == "redis is not ready after 1 s"
    assert error.value.why == "no member is primary yet"


@pytest.mark.parametrize(
    ("hook", "phase"),
    [("on_look", "still being probed"), ("on_seed", "still being seeded"), ("on_prove", "still being proven")],
)
def test_a_hanging_component_is_reported_with_its_phase(house: House, hook: str, phase: str) -> None:
    released = threading.Event()

    def hang(*_: object) -> None:
        house.clock.sleep(100)
        released.wait(30)

    setattr(house.redis, hook, hang)
    try:
        with pytest.raises(NotReadyInTime) as error:
            up(house.context(timeout=50.0))
    finally:
        released.set()
    assert (error.value.message, error.value.why) == ("redis is not ready after 50 s", phase)


def test_a_failure_is_reported_before_the_deadline_of_another_component(house: House) -> None:
    house.redis.sentences = ["no member is primary yet"] * 10_000
    began = house.clock.now()

    def fail_late(_: object) -> None:
        while house.clock.now() < began + 1.0:
            time.sleep(0.01)
        time.sleep(0.3)
        raise KeyError("primary")

    house.gateway.on_look = fail_late
    with pytest.raises(KeyError, match="primary"):
        up(house.context(timeout=1.0))


def test_refused_seeding_raises_its_error(house: House) -> None:
    def refuse() -> None:
        raise SeedingFailed("cannot create bucket")

    house.redis.on_seed = refuse
    with pytest.raises(SeedingFailed):
        up(house.context())


def test_premature_seeding_is_retried_when_ready(house: House) -> None:
    def refuse_once() -> None:
        house.redis.on_seed = lambda: None
        raise SeedingFailed("no replica yet")

    house.redis.sentences, house.redis.seedable, house.redis.on_seed = ["no replica yet"] * 3, True, refuse_once
    up(house.context())
    assert house.redis.calls.count("seed") == 2


def test_an_unavailable_image_is_named_before_anything_starts(house: House) -> None:
    house.lose_image("redis")
    with pytest.raises(ImageUnavailable, match="redis"):
        up(house.context(offline=True))
    assert not house.engine.containers


def with_an_optional_service(house: House) -> None:
    file = house.folder / "compose" / "stack.yaml"
    pages = """\
  pages:
    image: ${NEXUS_IMAGE_PAGES}
    x-nexusdev: {component: gateway, optional: true}
    networks: {nexus: {ipv4_address: "${NEXUS_NET:-10.213.0}.74"}}
secrets:
"""
    file.write_text(file.read_text().replace("secrets:\n", pages, 1))
    house.lock("redis", "haproxy", "pages")
    house.lose_image("pages")
    house.unpublish("pages")


def test_an_unavailable_optional_service_is_reported_and_not_retried(house: House) -> None:
    with_an_optional_service(house)
    first, second = up(house.context()), up(house.context())
    assert (
        first.warnings
        == second.warnings
        == ("pages is missing: image pages 1 is not available from any of its sources",)
    )
    assert not shown(second).data["changed"]
    assert shown(second).data["absent"] == {"pages": "image pages 1 is not available from any of its sources"}


def test_an_optional_service_starts_once_available_and_is_required_by_strict(house: House) -> None:
    with_an_optional_service(house)
    up(house.context())
    with pytest.raises(ImageUnavailable, match="pages"):
        up(house.context(strict=True))
    house.lock("redis", "haproxy", "pages")
    assert shown(up(house.context())).data["changed"]
    assert "pages" in {container.service for container in house.engine.containers.values()}


def test_every_image_is_delivered_to_the_runtime(house: House) -> None:
    """One is there, one arrives while others start, and one is wanted by an optional service alone."""
    with_an_optional_service(house)
    house.lock("redis", "haproxy", "pages")
    for name in ("pages", "redis"):
        house.lose_image(name)
    up(house.context())
    assert sorted(house.provider.delivered) == [house.reference(name) for name in ("haproxy", "pages", "redis")]


def test_services_start_while_other_images_are_built(house: House) -> None:
    house.lose_image("redis")
    up(house.context())
    assert len(house.engine.containers) == 3


class LateImages(MemoryImages, kw_only=True):
    """A store whose registry answers only once ``awaited`` is set."""

    awaited: threading.Event

    def pull(self, reference: str, digest: str | None, say: Say) -> StoredImage:
        assert self.awaited.wait(5), "nobody seeded while this image was awaited"
        return super().pull(reference, digest, say)


def test_a_component_is_seeded_before_its_exporters_start(house: House) -> None:
    file = house.folder / "compose" / "stack.yaml"
    exporter = """\
  redis-exporter:
    image: ${NEXUS_IMAGE_EXPORTERS}
    x-nexusdev: {component: redis, role: observer}
    network_mode: service:redis-0
secrets:
"""
    file.write_text(file.read_text().replace("secrets:\n", exporter, 1))
    seeded = threading.Event()
    house.redis.on_seed = seeded.set
    house.store = LateImages(awaited=seeded)
    house.lock("redis", "haproxy", "exporters")
    house.lose_image("exporters")
    up(house.context())
    assert seeded.is_set()
    assert "redis-exporter" in {container.service for container in house.engine.containers.values()}


def test_a_concurrent_up_names_the_lock_holder(house: House) -> None:
    context = house.context()
    with locked(context.identity, "nexusdev up", root=context.root), pytest.raises(Locked, match="shop"):
        up(context)


def test_data_without_secrets_is_not_overwritten(house: House) -> None:
    up(house.context())
    lost = House(folder=house.folder, provider=house.provider)
    (house.folder / "state").rename(house.folder / "elsewhere")
    with pytest.raises(InvalidState):
        up(lost.context())
    assert house.engine.volumes


def test_an_unreachable_engine_is_reported_first(house: House) -> None:
    class Away(MemoryProvider):
        def inventory(self, *, caches: bool = False) -> Inventory:
            raise PreflightFailed("no Docker engine answers")

    house.provider = Away()
    with pytest.raises(PreflightFailed):
        up(house.context())


def test_a_dry_run_prints_every_step_with_its_reason_and_changes_nothing(house: House) -> None:
    outcome = dry_run(house.context())
    assert {"act": "create network", "subject": "nexus", "because": "it does not exist"} in shown(outcome).data["steps"]
    assert not house.engine.done
    assert not list((house.folder / "state").iterdir())


def test_project_seed_files_are_applied_after_the_platform_seed(house: House) -> None:
    (house.project / "seed" / "redis").mkdir(parents=True)
    (house.project / "seed" / "redis" / "users.txt").write_text("SET a 1")
    up(house.context())
    assert house.redis.calls == ["seed", "apply", "prove"]


def test_a_changed_seed_file_is_applied_without_container_changes(house: House) -> None:
    up(house.context())
    (house.project / "seed" / "redis").mkdir(parents=True)
    (house.project / "seed" / "redis" / "users.txt").write_text("SET a 1")
    again = up(house.context())
    assert shown(again).data["seeded"]["redis"] == ["created something", "applied redis/users.txt"]


def test_a_no_op_up_does_not_import_the_deployer() -> None:
    found = imported_by(
        "import nexusdev.operations.up, nexusdev.runtimes.docker.runtime, nexusdev.runtimes.docker.images, nexusdev.images.images;"
        "from nexusdev.components.component_set import ComponentSet;"
        " [each.files(()) for each in ComponentSet().values() if hasattr(each, 'files')]"
    )
    works = {
        "nexusdev.deploy.deployer",
        "nexusdev.images.builder.dockerfile",
        "nexusdev.runtimes.docker.apply_steps",
        "nexusdev.runtimes.docker.build_container",
    }
    others = {"concurrent.futures", "logging", "secrets", "nexusdev.operations.env"}
    assert not found & {"yaml", "tarfile", "docker", *works, *others}


class CountingRuntime:
    """A runtime that notes its plans."""

    def __init__(self, runtime: Runtime, calls: list[str]) -> None:
        self._runtime = runtime
        self._calls = calls

    def plan(self, intent: Intent, observation: Observation | None = None) -> Plan:
        self._calls.append(f"plan {type(intent).__name__}")
        return self._runtime.plan(intent, observation)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)


@pytest.fixture
def calls(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What ``up`` asks for: plans, and the record of the last ``up``."""
    noted: list[str] = []

    class Counting(MemoryProvider):
        def runtime(self, *args: Any, **more: Any) -> Any:
            return CountingRuntime(super().runtime(*args, **more), noted)

    house.provider = Counting(engine=house.engine)
    read = last_up.read

    def reading(folder: Path) -> last_up.LastUp:
        noted.append("read last up")
        return read(folder)

    monkeypatch.setattr(last_up, "read", reading)
    return noted


def test_up_plans_once_and_reads_its_record_once(house: House, calls: list[str]) -> None:
    up(house.context())
    assert calls == ["read last up", "plan Up"]
    calls.clear()
    up(house.context())
    assert calls == ["read last up", "plan Up"]


def test_up_after_lost_volumes_prepares_once(house: House, calls: list[str]) -> None:
    up(house.context())
    for name in ("redis-0", "redis-1"):
        house.engine.remove(house.container(name))
        del house.engine.volumes[f"nexusdev-shop_{name}"]
    calls.clear()
    found = up(house.context(), agreed={"redis-0", "redis-1"})
    assert found.deployed
    assert calls == ["read last up", "plan Up", "plan Discard"]


@pytest.mark.parametrize("skew", [-7200.0, 1200.0])
def test_a_skewed_clock_is_reported_with_both_times_first(house: House, skew: float) -> None:
    house.engine.clock_skew = skew
    with pytest.raises(PreflightFailed) as caught:
        up(house.context())
    assert caught.value.code == "CLOCK_SKEW"
    assert caught.value.why.startswith("the engine's clock says ")
    assert f"UTC, {duration(abs(skew))} apart" in caught.value.why
    assert not house.engine.containers
    house.engine.clock_skew = 60.0
    up(house.context())
