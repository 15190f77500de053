"""Which pods connect to which ports: the question, asked from inside the pods, with answers that a failed exec cannot be taken for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.util.parallel import together

NAMESPACE = "nexus-architect"
#: The namespace of the application's pods.
ELSEWHERE = "nexusdev-policies"
OPEN, DROPPED = "open", "dropped"
_SECONDS = 3
_AT_ONCE = 6
# Prints a line per target: the target, and what became of the connection.
_ASK = f"""
export LC_ALL=C
for target in "$@"; do
  (
    said=$(timeout {_SECONDS} bash -c 'exec 3<>"/dev/tcp/${{0%:*}}/${{0##*:}}"' "$target" 2>&1)
    case $? in
      0) echo "$target {OPEN}" ;;
      124) echo "$target {DROPPED}" ;;
      *) echo "$target failed: ${{said##*: }}" ;;
    esac
  ) &
done
wait
"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One connection, and whether it must be possible."""

    source: str
    target: str
    expected: str

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"


def rows(expected: str, table: Mapping[str, str]) -> list[Row]:
    """Source → its targets, separated by spaces."""
    return [
        Row(source=source, target=target, expected=expected)
        for source, targets in table.items()
        for target in targets.split()
    ]


def answers(kubectl: Kubectl, asked: Sequence[Row]) -> dict[Row, str]:
    """Row → ``open``, ``dropped``, or why the connection failed otherwise.

    Raises:
        AssertionError: A pod could not be asked.
    """
    by_source: dict[str, list[Row]] = {}
    for row in asked:
        by_source.setdefault(row.source, []).append(row)
    found = together(
        {source: partial(_of, kubectl, source, asked) for source, asked in by_source.items()}, limit=_AT_ONCE
    )
    return {row: answer for each in found.values() for row, answer in each.items()}


def _of(kubectl: Kubectl, source: str, asked: Iterable[Row]) -> dict[Row, str]:
    namespace, pod, container = _place(source)
    targets = {row.target: row for row in asked}
    ran = kubectl.outcome(
        *("exec", pod, "--namespace", namespace, "--container", container),
        *("--", "bash", "-c", _ASK, "ask", *targets),
        timeout=60,
    )
    lines = [line.partition(" ") for line in ran.stdout.decode().splitlines()]
    told = {target: answer for target, _, answer in lines}
    assert told.keys() == targets.keys(), f"{source} could not be asked: {ran.stderr.decode()[-500:]}"
    return {targets[target]: answer for target, answer in told.items()}


def _place(source: str) -> tuple[str, str, str]:
    """Namespace, pod and container of a source."""
    if source.startswith("app-"):
        return ELSEWHERE, f"pod/{source}", "app"
    name, _, ordinal = source.rpartition("-")
    if ordinal.isdigit():
        return NAMESPACE, f"pod/{source}", name
    return NAMESPACE, f"deployment/{source}", source
