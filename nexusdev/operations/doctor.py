"""doctor: checks whether ``up`` has everything that it needs. Each check has a verdict, its evidence and a fix."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nexusdev.check import Check
from nexusdev.context import Context
from nexusdev.doctor import instance_checks, runtime_checks
from nexusdev.errors import NexusError, PreflightFailed
from nexusdev.results import Result
from nexusdev.util.humanize import pluralize


class DoctorResult(Result, frozen=True, kw_only=True):
    """The verdict of every check; ``error`` is a PreflightFailed if a check failed."""

    checks: tuple[Check, ...]

    @property
    def healthy(self) -> bool:
        """Whether no check failed."""
        return self.error is None


def doctor(context: Context, *, fix: bool = False) -> DoctorResult:
    """Run all checks.

    Args:
        context: The context of the command.
        fix: Apply the repairs that are safe.

    Returns:
        The verdicts. Its ``error`` is a PreflightFailed (exit 5) if a check failed.
    """
    checks = tuple(_repaired(check) if fix else check for check in examine(context))
    failed = [check for check in checks if check.verdict == "failed"]
    return DoctorResult(instance=context.identity.name, checks=checks, error=_error(failed) if failed else None)


def examine(context: Context) -> Iterator[Check]:
    """Yield every check. A check that depends on a failed check is left out."""
    groups: tuple[Callable[[Context], Iterator[Check]], ...] = (runtime_checks.examine, instance_checks.examine)
    for group in groups:
        yield from group(context)


def _repaired(check: Check) -> Check:
    if check.verdict in ("ok", "fixed") or check.repair is None:
        return check
    try:
        return check.fixed(check.repair())
    except (NexusError, OSError) as error:
        return check.after_failure(str(error))


def _error(failed: list[Check]) -> PreflightFailed:
    return PreflightFailed(
        f"{pluralize(len(failed), 'check')} failed: {', '.join(check.name for check in failed)}",
        evidence=tuple(f"{check.name}: {check.evidence}" for check in failed),
        hint="\n".join(dict.fromkeys(check.fix for check in failed if check.fix)),
    )
