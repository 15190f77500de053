"""Parses the output of ``promtool check rules`` into errors with file and line of each rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from nexusdev.components.monitoring import rule_files
from nexusdev.errors import InvalidConfig
from nexusdev.stack.document import SourcePosition, config_error

_FAILED = re.compile(
    r"(?P<file>\S+?): (?:(?P<line>\d+):\d+: )?group \"(?P<group>.*?)\", rule (?P<rule>\d+), \"(?P<name>.*?)\": (?P<problem>.+)"
)
_NOTE = re.compile(r'(?:annotation|label) "(.+?)"')
_CANNOT_RUN = (126, 127)
_MOST = 5


def interpret(code: int, lines: Sequence[str], files: Mapping[str, Path]) -> InvalidConfig | None:
    """What its exit code and its words mean; None when it has nothing to object, or is not in that image."""
    if code == 0 or code in _CANNOT_RUN:
        return None
    failures = list(_failures(lines, files))
    if not failures:
        reply = [line for line in lines if line.strip() and not line.startswith("Checking ")]
        return InvalidConfig("Prometheus rejects the rule files", evidence=reply[-_MOST:], code="RULES")
    position, problem = failures[0]
    error = config_error(position, problem, hint="nexusdev metrics 'EXPRESSION'   try an expression on a running stack")
    more = [f"{place.file.name}:{place.line}: {words}" for place, words in failures[1:_MOST]]
    error.evidence = (*error.evidence, *more)
    return error


def _failures(lines: Sequence[str], files: Mapping[str, Path]) -> Iterable[tuple[SourcePosition, str]]:
    for line in lines:
        reply = _FAILED.search(line)
        file = files.get(PurePosixPath(reply["file"]).name) if reply else None
        if reply and file:
            note = _NOTE.match(reply["problem"])
            position = rule_files.position_of(file, reply["group"], int(reply["rule"]), note[1] if note else "expr")
            yield SourcePosition(file=file, line=position.line), f"{reply['name']}: {reply['problem']}"
