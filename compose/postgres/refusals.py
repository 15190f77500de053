"""Passes this container's log on and counts the logins in it that PostgreSQL refused: the server itself keeps no such number.

Everything that Patroni and PostgreSQL say goes through a pipe; a thread writes it, unchanged and at once, to where it went before.
COUNTS holds one line per reason, ``password 3``; ``nexusdev.refused_logins()`` reads it for the exporter.
"""

import atexit
import contextlib
import os
import re
import threading
from pathlib import Path

# A tmpfs of this container only: a counter starts at 0 with its process.
COUNTS = Path("/tmp/refused-logins")  # noqa: S108
REASONS = ("password", "plaintext", "rule")

# PostgreSQL 17, src/backend/libpq/auth.c: auth_failed() and ClientAuthentication(). The message follows the prefix of log_line_prefix.
_REFUSED = re.compile(
    rb"^\d{4}-[^\n]{0,200}? FATAL:  (?:(?P<password>(?:password|SCRAM) authentication failed)"
    rb"|(?P<rule>no pg_hba\.conf entry|pg_hba\.conf rejects)[^\n]*?(?P<plaintext>no encryption)?$)"
)
_CHUNK = 65536


class Counter:
    """Counts by reason, and keeps ``file`` as it counts."""

    def __init__(self, file=COUNTS):
        self._file = file
        self._counts = dict.fromkeys(REASONS, 0)
        self._rest = b""
        self._write()

    def read(self, data):
        """Look at what was said; a line may come in several pieces."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        # a longer line is not a login message
        self._rest = self._rest[:_CHUNK]
        found = [reason for line in lines if (reason := reason_of(line))]
        for reason in found:
            self._counts[reason] += 1
        if found:
            self._write()

    def _write(self):
        """Whole or not at all: the exporter may read at any moment."""
        new = self._file.with_suffix(".new")
        new.write_text("".join(f"{reason} {count}\n" for reason, count in self._counts.items()))
        new.replace(self._file)


def reason_of(line):
    """Why this line of the log says that somebody was refused; None where it says something else."""
    found = _REFUSED.match(line)
    if not found:
        return None
    return next(reason for reason in REASONS if found[reason])


def watch(file=COUNTS):
    """From now on: everything that this process and its children write to stdout and stderr goes through here."""
    counter, before = Counter(file), os.dup(1)
    reading, writing = os.pipe()
    passing = threading.Thread(target=_pass_on, args=(reading, before, counter), daemon=True)
    for stream in (1, 2):
        os.dup2(writing, stream)
    os.close(writing)
    passing.start()
    # The last lines of the log are often the most important ones, so they must not be lost.
    atexit.register(_let_go, passing, before)


def _pass_on(reading, target, counter):
    while data := os.read(reading, _CHUNK):
        _write_all(target, data)
        # /tmp may be full: passing the log on matters more than counting
        with contextlib.suppress(OSError):
            counter.read(data)


def _write_all(target, data):
    while data:
        data = data[os.write(target, data) :]


def _let_go(passing, before):
    """Give the streams back; once no child writes any more, the thread has passed on everything."""
    for stream in (1, 2):
        os.dup2(before, stream)
    passing.join(1)
