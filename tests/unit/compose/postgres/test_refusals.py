"""The counter in PostgreSQL's containers: which lines of the log are refused logins, and that the log itself stays as it is."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[4] / "compose" / "postgres"

sys.path.insert(0, str(FOLDER))
try:
    refusals = import_module("refusals")
finally:
    sys.path.remove(str(FOLDER))

HEAD = "2026-11-28 18:00:00.123 UTC [4711] "
WRONG_PASSWORD = f'{HEAD}nexus_app@nexus_architect FATAL:  password authentication failed for user "nexus_app"'
PLAINTEXT = (
    f'{HEAD}nexus_app@nexus_architect FATAL:  pg_hba.conf rejects connection for host "10.213.0.1", '
    'user "nexus_app", database "nexus_architect", no encryption'
)
NO_ENTRY = (
    f'{HEAD}nexus_app@postgres FATAL:  no pg_hba.conf entry for host "10.213.0.1", user "nexus_app", '
    'database "postgres", SSL encryption'
)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (WRONG_PASSWORD, "password"),
        (PLAINTEXT, "plaintext"),
        (NO_ENTRY, "rule"),
        (f'{HEAD}x@y FATAL:  database "y" does not exist', None),
        (f"{HEAD}LOG:  checkpoint starting: time", None),
        (f"{HEAD}x@y LOG:  statement: SELECT 'FATAL: password authentication failed'", None),
        ("\tFATAL:  password authentication failed for a statement of several lines", None),
        ("2026-11-28 18:00:00,123 patroni INFO: no action. I am (postgresql-0), the leader with the lock", None),
    ],
)
def test_only_refused_logins_are_counted(line: str, reason: str | None) -> None:
    assert refusals.reason_of(line.encode()) == reason


def counts(file: Path) -> dict[str, int]:
    return {reason: int(count) for reason, count in (line.split() for line in file.read_text().splitlines())}


def test_counters_start_at_zero(tmp_path: Path) -> None:
    refusals.Counter(tmp_path / "counts")
    assert counts(tmp_path / "counts") == {"password": 0, "plaintext": 0, "rule": 0}


def test_a_fragmented_line_counts_once(tmp_path: Path) -> None:
    counter = refusals.Counter(tmp_path / "counts")
    whole = f"{WRONG_PASSWORD}\n{PLAINTEXT}\n{WRONG_PASSWORD}\n".encode()
    for start in range(0, len(whole), 7):
        counter.read(whole[start : start + 7])
    assert counts(tmp_path / "counts") == {"password": 2, "plaintext": 1, "rule": 0}


SERVER = f"""
import os, subprocess, sys, pathlib
sys.path.insert(0, {str(FOLDER)!r})
import refusals
refusals.watch(pathlib.Path(sys.argv[1]))
print("said by itself", flush=True)
subprocess.run(["sh", "-c", "cat >&2"], input=sys.argv[2].encode())
sys.exit("the last words")
"""


def test_the_log_and_the_exit_code_pass_unchanged(tmp_path: Path) -> None:
    log = f"{WRONG_PASSWORD}\n" * 3000 + "bytes that are no text: \udcff\n"
    reply = tmp_path / "said"
    reply.write_bytes(log.encode("utf-8", "surrogateescape"))
    server = SERVER.replace("input=sys.argv[2].encode()", "stdin=open(sys.argv[2])")
    ran = subprocess.run(
        [sys.executable, "-u", "-c", server, str(tmp_path / "counts"), str(reply)], capture_output=True, check=False
    )
    assert ran.returncode == 1
    assert ran.stdout == b"said by itself\n" + reply.read_bytes() + b"the last words\n"
    assert counts(tmp_path / "counts")["password"] == 3000


def test_a_full_tmp_loses_metrics_but_not_the_log(tmp_path: Path) -> None:
    gone = tmp_path / "folder"
    gone.mkdir()
    server = SERVER.replace(
        'print("said by itself", flush=True)', "pathlib.Path(sys.argv[1]).parent.rename('elsewhere')"
    )
    ran = subprocess.run(
        [sys.executable, "-u", "-c", server, str(gone / "counts"), f"{PLAINTEXT}\n"],
        capture_output=True,
        check=False,
        cwd=tmp_path,
    )
    assert ran.stdout == f"{PLAINTEXT}\nthe last words\n".encode()
