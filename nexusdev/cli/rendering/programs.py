"""What ``exec``, ``run``, the clients and ``logs`` show with ``--json``. As text, their output is passed on as it comes."""

from __future__ import annotations

from nexusdev.cli.output import Rendered
from nexusdev.operations.exec import ProgramResult
from nexusdev.operations.logs import LogsResult


def _program(result: ProgramResult) -> Rendered:
    return Rendered(
        data={
            "exit_code": result.exit_code,
            "stdout": result.stdout.decode("utf-8", "replace"),
            "stderr": result.stderr.decode("utf-8", "replace"),
        },
        exit_status=result.exit_code,
    )


def _logs(result: LogsResult) -> Rendered:
    lines = [{"service": line.service, "at": line.at, "text": line.text} for line in result.lines]
    return Rendered(data={"lines": lines})


RENDERERS = {ProgramResult: _program, LogsResult: _logs}
