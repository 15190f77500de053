"""What ``promtool check rules`` has to say, with the file and line of each rule that it objects to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from nexusdev.components.monitoring import rulefiles
from nexusdev.errors import InvalidConfig
from nexusdev.stack.document import Spot, refusal

_FAILED = re.compile(
    r"(?P<file>\S+?): (?:(?P<line>\d+):\d+: )?group \"(?P<group>.*?)\", rule (?P<rule>\d+), \"(?P<name>.*?)\": (?P<problem>.+)"
)
_NOTE = re.compile(r'(?:annotation|label) "(.+?)"')
_CANNOT_RUN = (126, 127)
_MOST = 5


def verdict(code: int, lines: Sequence[str], files: Mapping[str, Path]) -> InvalidConfig | None:
    """What its exit code and its words mean; None when it has nothing to object, or is not in that image."""
    if code == 0 or code in _CANNOT_RUN:
        return None
    failures = list(_failures(lines, files))
    if not failures:
        said = [line for line in lines if line.strip() and not line.startswith("Checking ")]
        return InvalidConfig("Prometheus does not take the rule files", evidence=said[-_MOST:], code="RULES")
    spot, problem = failures[0]
    error = refusal(spot, problem, hint="nexusdev metrics 'EXPRESSION'   try an expression where a stack runs")
    more = [f"{place.file.name}:{place.line}: {words}" for place, words in failures[1:_MOST]]
    error.evidence = (*error.evidence, *more)
    return error


def _failures(lines: Sequence[str], files: Mapping[str, Path]) -> Iterable[tuple[Spot, str]]:
    for line in lines:
        told = _FAILED.search(line)
        file = files.get(PurePosixPath(told["file"]).name) if told else None
        if told and file:
            note = _NOTE.match(told["problem"])
            spot = rulefiles.spot_of(file, told["group"], int(told["rule"]), note[1] if note else "expr")
            yield Spot(file=file, line=spot.line), f"{told['name']}: {told['problem']}"
