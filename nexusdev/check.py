"""One check of ``doctor``: a verdict with its evidence, and what would repair it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

CheckResult = Literal["ok", "warning", "failed", "fixed"]


class Check(Struct, frozen=True, kw_only=True):
    """``fix``: what to type. ``repair``: does it by itself and says what it did; only where nothing can be lost."""

    name: str
    verdict: CheckResult
    evidence: str
    fix: str = ""
    repair: Callable[[], str] | None = None

    def fixed(self, what: str) -> Check:
        return replace(self, verdict="fixed", evidence=what, fix="", repair=None)

    def after_failure(self, why: str) -> Check:
        return replace(self, evidence=f"{self.evidence}; the fix failed: {why}", repair=None)

    def as_data(self) -> dict[str, str]:
        return {"name": self.name, "verdict": self.verdict, "evidence": self.evidence, "fix": self.fix}


def good(name: str, evidence: str) -> Check:
    """A check that found what it wanted."""
    return Check(name=name, verdict="ok", evidence=evidence)


def warning(name: str, evidence: str, *, fix: str = "", repair: Callable[[], str] | None = None) -> Check:
    """Something that may hurt."""
    return Check(name=name, verdict="warning", evidence=evidence, fix=fix, repair=repair)


def failed(name: str, evidence: str, *, fix: str = "", repair: Callable[[], str] | None = None) -> Check:
    """Something without which ``up`` cannot work."""
    return Check(name=name, verdict="failed", evidence=evidence, fix=fix, repair=repair)
