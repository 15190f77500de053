"""What ``doctor`` shows."""

from __future__ import annotations

from nexusdev.check import CheckResult
from nexusdev.cli.output import Rendered, Style, Table, Text
from nexusdev.operations.doctor import DoctorResult

_STYLES: dict[CheckResult, Style] = {"ok": "good", "warning": "warn", "failed": "bad", "fixed": "good"}


def _doctor(result: DoctorResult) -> Rendered:
    rows = tuple(
        (Text(check.verdict, _STYLES[check.verdict]), check.name, check.evidence, check.fix) for check in result.checks
    )
    return Rendered(
        data={"healthy": result.healthy, "checks": [check.as_data() for check in result.checks]},
        output=(Table(columns=("verdict", "check", "evidence", "fix"), rows=rows),),
    )


RENDERERS = {DoctorResult: _doctor}
