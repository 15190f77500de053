"""demo: a tour of the running stack, chapter by chapter. It shows a shop at work, breaks servers, and shows that everything heals."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from msgspec import Struct

from nexusdev.components.capabilities import Alert
from nexusdev.context import Context
from nexusdev.demo.chapters import ALL_SYSTEMS, Act, Chapter, chosen
from nexusdev.errors import Degraded, NexusError, NotFound
from nexusdev.interfaces import View
from nexusdev.operations.drill import DrillOptions, drill, require_alone
from nexusdev.operations.lifecycle import start, stop
from nexusdev.operations.run import Command, capture, command
from nexusdev.operations.run_dynamic import client_files, held
from nexusdev.operations.status import StatusResult, require_ready, status
from nexusdev.operations.verify import SHORT, verify
from nexusdev.results import Result
from nexusdev.util.humanize import join_names

_Found = TypeVar("_Found")
_TICK = 1.0
#: Seconds in which an alert fires, and ends.
_ALERT = 120.0
_NEVERTHELESS = "nexusdev demo --yes   show it nevertheless"


class Guide(Protocol):
    """Shows the tour, and waits for the person who watches it."""

    def open(self, chapter: Chapter, number: int, total: int) -> bool:
        """Show the beginning of a chapter. Returns False if the person ends the tour here."""

    def show(self, shown: Result | str) -> None:
        """Show what happened: a result, or lines of text."""


class SilentGuide:
    """Shows nothing and never waits."""

    def open(self, chapter: Chapter, number: int, total: int) -> bool:  # noqa: ARG002 - the protocol defines the arguments
        """Go on."""
        return True

    def show(self, shown: Result | str) -> None:
        """Show nothing."""


class ChapterResult(Struct, frozen=True, kw_only=True):
    """One chapter that was shown.

    Attributes:
        name: The chapter.
        seconds: How long it took.
        failure: Why what it promises did not happen; '' if it did.
    """

    name: str
    seconds: float
    failure: str = ""


class DemoResult(Result, frozen=True, kw_only=True):
    """The result of ``demo``.

    Attributes:
        chapters: What was shown.
        skipped: Chapter → why it was left out.
        sample_data: Whether the sample data of the shop is stored now.
    """

    chapters: tuple[ChapterResult, ...]
    skipped: Mapping[str, str]
    sample_data: bool


class DemoCleanResult(Result, frozen=True, kw_only=True):
    """The result of ``demo --clean``."""


def demo(
    context: Context, names: Sequence[str] = (), *, guide: Guide | None = None, confirmed: bool = False
) -> DemoResult:
    """Show these chapters, or all.

    Args:
        context: The context of the command.
        names: The names of chapters; empty for all.
        guide: Shows what happens; None to show nothing.
        confirmed: Whether to break servers although somebody else is connected.

    Returns:
        What was shown. ``error`` (exit 4) says which chapters did not show what they promise.

    Raises:
        UsageError: There is no such chapter.
        NotFound: The instance does not exist, or lacks a component that a named chapter needs.
        Degraded: The instance is not ready.
        ConfirmationNeeded: Somebody else is connected, and a chapter breaks servers.
    """
    wanted = chosen(names)
    seen = status(context)
    require_ready(seen, "the demo needs a stack that is ready", hint="nexusdev up   start or repair it")
    skipped = _skipped(wanted, seen)
    if names and skipped:
        name, why = next(iter(skipped.items()))
        raise NotFound(f"the chapter {name} cannot be shown", why=why, hint="nexusdev up")
    shown = [each for each in wanted if each.name not in skipped]
    breaking = {Act.DRILL, Act.ALERT}
    if not confirmed and any(each.act in breaking for each in shown):
        require_alone(context, hint=_NEVERTHELESS)
    tour = Tour(context=context, guide=guide or SilentGuide())
    results: list[ChapterResult] = []
    for number, chapter in enumerate(shown, 1):
        if not tour.guide.open(chapter, number, len(shown)):
            break
        if not confirmed and chapter.act in breaking:  # somebody may have come while the person was reading
            require_alone(context, hint=_NEVERTHELESS)
        results.append(tour.chapter(chapter))
    return DemoResult(
        instance=context.identity.name,
        chapters=tuple(results),
        skipped=skipped,
        sample_data=any(each.act is Act.SHOP and not done.failure for each, done in zip(shown, results, strict=False)),
        error=_failure(results),
    )


def clean(context: Context) -> DemoCleanResult:
    """Remove the sample data of the shop, and nothing else.

    Raises:
        Degraded: A system does not answer, or something of another owner has one of the shop's names.
    """
    running = {each.name for each in status(context).components if each.ready}
    if absent := [name for name in ALL_SYSTEMS if name not in running]:
        raise Degraded(
            "the sample data was not removed",
            why=f"not ready: {join_names(absent)}; all four systems have a part of it",
            hint="nexusdev up   start or repair them",
        )
    _shop(context, "clean")
    return DemoCleanResult(instance=context.identity.name)


class Tour(Struct, frozen=True, kw_only=True):
    """Carries out chapters. ``look`` returns the status of the instance."""

    context: Context
    guide: Guide
    look: Callable[[Context], StatusResult] = status

    def chapter(self, chapter: Chapter) -> ChapterResult:
        """Carry out one chapter. What does not happen as promised is part of its result."""
        acts: Mapping[Act, Callable[[Chapter], str]] = {
            Act.STATUS: self._status,
            Act.SHOP: self._shop,
            Act.LOGIN: self._login,
            Act.DRILL: self._drill,
            Act.ALERT: self._alert,
            Act.VERIFY: self._verify,
        }
        began = self.context.clock.now()
        try:
            failure = acts[chapter.act](chapter)
        except NexusError as error:
            if error.is_bug:
                raise
            failure = error.sentence
        if failure:
            self.guide.show(f"This chapter failed. {failure}")
        return ChapterResult(name=chapter.name, seconds=self.context.clock.now() - began, failure=failure)

    def _status(self, _chapter: Chapter) -> str:
        seen = self.look(self.context)
        self.guide.show(seen)
        return "" if seen.ready else "not everything is ready"

    def _shop(self, chapter: Chapter) -> str:
        self.guide.show(_shop(self.context, chapter.argument))
        return ""

    def _login(self, chapter: Chapter) -> str:
        before = _shop(self.context, chapter.argument)
        with held(self.context) as lease, client_files(lease) as folder:
            during = _shop(
                self.context, chapter.argument, lambda values: lease.in_place(values, View.HOST, folder=folder)
            )
        self.guide.show(f"{before}\n{during}\nThe second login is dropped again.")
        return "" if before != during else "both runs had the same login"

    def _drill(self, chapter: Chapter) -> str:
        result = drill(self.context, [chapter.argument], DrillOptions(confirmed=True))
        self.guide.show(result)
        return "; ".join(
            sentence for each in result.drills for sentence in (*each.missed, *filter(None, [each.failure]))
        )

    def _alert(self, chapter: Chapter) -> str:
        """Stop a server that does not lead, wait for an alert, and for its end after the start."""
        seen = self.until(lambda now: now)
        rows = [each for each in (seen.services if seen else ()) if each.component == chapter.argument]
        service = next((each.service for each in rows if each.role in {"slave", "replica"}), "")
        if seen is None or not service:
            return f"{chapter.argument} has no replica, or nobody knows which alerts fire"
        former = {_key(each) for each in seen.alerts}
        try:
            stop(self.context, [service])
            fired = self.until(
                lambda now: [each for each in now.alerts if each.instance == service and _key(each) not in former]
            )
            words = "\n".join(f"{each.name}: {each.summary}" for each in fired or ())
            self.guide.show(words or f"no alert fired within {_ALERT:.0f} s")
        finally:
            start(self.context, [service])
        if not fired:
            return f"{service} was stopped, and no alert fired within {_ALERT:.0f} s"
        names = {_key(each) for each in fired}
        over = self.until(lambda now: not names & {_key(each) for each in now.alerts})
        if not over:
            return f"the alert still fires {_ALERT:.0f} s after the start of {service}"
        self.guide.show(f"{service} runs again, and the alert is over.")
        return ""

    def _verify(self, _chapter: Chapter) -> str:
        result = verify(self.context, SHORT, quick=True)
        self.guide.show(result)
        return "; ".join(result.error.evidence) if result.error else ""

    def until(self, find: Callable[[StatusResult], _Found]) -> _Found | None:
        """Return the first answer that is not empty; None after a time without one. A status whose alerts are unknown does not count."""
        clock = self.context.clock
        end = clock.now() + _ALERT
        while clock.now() < end:
            now = self.look(self.context)
            if not now.alerts_unknown and (found := find(now)):
                return found
            clock.sleep(_TICK)
        return None


def _shop(context: Context, word: str, change: Callable[[Mapping[str, str]], Mapping[str, str]] = dict) -> str:
    """Run a command of the shop with the variables of the instance, and return what it printed.

    Raises:
        Degraded: It failed.
    """
    argv = (sys.executable, "-P", "-m", "nexusdev.demo.shop", word)
    prepared: Command = command(context, argv, change=change)
    done = capture(prepared, instance=context.identity.name)
    if done.exit_code:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise Degraded(
            f"the shop failed to {word}",
            why=lines[-1].removeprefix("error: "),
            hint="nexusdev status   show what is wrong",
            evidence=lines[-5:-1],
        )
    return done.stdout.decode(errors="replace").rstrip()


def _skipped(chapters: Sequence[Chapter], seen: StatusResult) -> Mapping[str, str]:
    """Return the chapters that this stack cannot show: chapter → why."""
    running = {each.name for each in seen.components}
    skipped = {}
    for chapter in chapters:
        if absent := [name for name in chapter.needs if name not in running]:
            skipped[chapter.name] = f"this instance was started without {join_names(absent)}"
        elif chapter.act in {Act.DRILL, Act.ALERT} and seen.profile == "lite":
            skipped[chapter.name] = "profile lite has one server of each product, so none can take over"
    return skipped


def _key(alert: Alert) -> tuple[str, str]:
    return alert.name, alert.instance


def _failure(results: Sequence[ChapterResult]) -> Degraded | None:
    failed = [each for each in results if each.failure]
    if not failed:
        return None
    return Degraded(
        f"not shown as promised: {join_names([each.name for each in failed])}",
        evidence=[f"{each.name}: {each.failure}" for each in failed],
        hint=f"nexusdev demo {failed[0].name}   show it again\nnexusdev status   show what is wrong",
    )
