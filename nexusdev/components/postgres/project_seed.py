"""Applies the project's ``seed/postgres/*.sql`` by name, each once per content, as the migration owner.

A file and its record are one transaction: a file that fails leaves nothing behind. A dump of ``pg_dump`` is such a file too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nexusdev.components.contract import Change, SeedFile
from nexusdev.components.postgres import names
from nexusdev.components.postgres.client import session
from nexusdev.components.postgres.seed_script import Chunk, UnknownCommand, chunks
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

    from nexusdev.components.postgres.client import Connection

_IN_TRANSACTION = "25001"


def apply(access: InstanceAccess, files: Sequence[SeedFile]) -> Sequence[Change]:
    """Apply the files that were not applied with this content yet, as the owner of the tables.

    Raises:
        SeedingFailed: A statement fails. The error has file, line, SQLSTATE and the server's message.
    """
    ordered = sorted(filter(_is_sql, files), key=lambda file: file.path)
    if not ordered:
        return ()
    changes = []
    with session(access, user=names.OWNER, database=names.DATABASE, doing="applying the project's SQL") as connection:
        for file in ordered:
            known = _hashes(connection, file.path)
            if file.sha256 not in known:
                _run(connection, file)
                changes.append(Change(what=f"applied {file.path}{' again because it changed' if known else ''}"))
    return tuple(changes)


def _is_sql(file: SeedFile) -> bool:
    """Raises ``SeedingFailed`` for what would otherwise be left out without a word; a README is for people."""
    name = file.path.rsplit("/", 1)[-1]
    if name.endswith(".sql"):
        return True
    if not name.upper().startswith("README"):
        raise SeedingFailed(f"seed/{file.path} is not a .sql file", hint=f"mv seed/{file.path} seed/{file.path}.sql")
    return False


def _hashes(connection: Connection, path: str) -> frozenset[str]:
    rows = connection.execute("SELECT sha256 FROM nexusdev.seeded WHERE path = %s", [path])
    return frozenset(row[0] for row in rows.fetchall())


def _run(connection: Connection, file: SeedFile) -> None:
    text = _text(file)
    messages = _chunks(file, text)
    with connection.transaction():
        for chunk in messages:
            error = _send(connection, chunk)
            if error is not None:
                raise _failure(file, text, chunk, error)
        connection.execute("INSERT INTO nexusdev.seeded (path, sha256) VALUES (%s, %s)", [file.path, file.sha256])
    # a dump empties search_path for its session, which must not affect the next file
    connection.execute("RESET ALL")


def _chunks(file: SeedFile, text: str) -> Sequence[Chunk]:
    try:
        return chunks(text)
    except UnknownCommand as error:
        line = _line_at(text, error.at)
        raise SeedingFailed(
            f"seed/{file.path}, line {line}: {error}",
            why="seed files are SQL, with COPY … FROM stdin and its data as pg_dump writes them",
            hint=f"nexusdev psql -U {names.OWNER} < seed/{file.path}   run it by psql, once",
            evidence=[f"line {line}: {text.splitlines()[line - 1].strip()}"],
        ) from error


def _text(file: SeedFile) -> str:
    try:
        return file.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = file.content[: error.start].count(b"\n") + 1
        raise SeedingFailed(f"seed/{file.path}, line {line}: not UTF-8", why=str(error)) from error


class _Refusal:
    """The server's error for a message.

    Attributes:
        position: Position of the first wrong character, counted from 1; 0 if the error names none.
        data_line: Line of a COPY's data, counted from 1; 0 if the error is not about data.
        done: Number of the message's statements that succeeded before.
    """

    def __init__(self, result: PGresult | None, done: int, message: str = "") -> None:
        from psycopg.pq import DiagnosticField

        def reply(field: DiagnosticField) -> str:
            value = result.error_field(field) if result else None
            return value.decode("utf-8", "replace") if value else ""

        self.sqlstate = reply(DiagnosticField.SQLSTATE)
        self.message = message or reply(DiagnosticField.MESSAGE_PRIMARY)
        self.detail = reply(DiagnosticField.MESSAGE_DETAIL)
        self.hint = reply(DiagnosticField.MESSAGE_HINT)
        self.position = int(reply(DiagnosticField.STATEMENT_POSITION) or 0)
        # COPY fruit, line 2, column price: "x"
        of_copy = re.match(r"COPY .*?, line (\d+)", reply(DiagnosticField.CONTEXT))
        self.data_line = int(of_copy[1]) if of_copy else 0
        self.done = done


def _send(connection: Connection, chunk: Chunk) -> _Refusal | None:
    """One message and its data, as psql -1 would; how many statements succeeded before the one that did not is counted."""
    from psycopg.pq import ExecStatus

    wire = connection.pgconn
    data = chunk.data
    wire.send_query(chunk.sql.encode())
    refusal, done = None, 0
    while (result := wire.get_result()) is not None:
        if result.status == ExecStatus.FATAL_ERROR:
            refusal = refusal or _Refusal(result, done)
        elif result.status == ExecStatus.COPY_IN and data is not None:
            wire.put_copy_data(data.encode())
            wire.put_copy_end()
            data = None
        elif result.status in (ExecStatus.COPY_IN, ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH):
            if result.status == ExecStatus.COPY_IN:
                wire.put_copy_end(b"the file has no data for it")
            refusal = refusal or _Refusal(None, done, "a seed file has no stream for this COPY")
        else:
            done += 1
    return refusal


def _failure(file: SeedFile, text: str, chunk: Chunk, error: _Refusal) -> SeedingFailed:
    line = _line_of(text, chunk, error)
    state = f" ({error.sqlstate})" if error.sqlstate else ""
    written = text.splitlines()
    evidence = [f"line {line}: {written[line - 1].strip()}"] if line <= len(written) else []
    evidence += [words for words in (error.detail, error.hint) if words]
    if error.sqlstate == _IN_TRANSACTION:
        evidence.append("each seed file runs in one transaction")
    return SeedingFailed(
        f"seed/{file.path}, line {line}: {error.message}{state}",
        why="the file was rolled back; earlier files are applied",
        hint="nexusdev seed   after fixing the file",
        evidence=evidence,
    )


def _line_of(text: str, chunk: Chunk, error: _Refusal) -> int:
    """The line of the file (from 1) that an error is about."""
    if error.data_line:
        return _line_at(text, chunk.data_start) + error.data_line - 1
    if error.position:
        return _line_at(text, chunk.start + error.position - 1)
    return _line_at(text, chunk.start) + line_of_statement(chunk.sql, error.done) - 1


def _line_at(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def line_of_statement(text: str, number: int) -> int:
    """Return the line (from 1) on which the statement with this number (from 0) begins; a guess, because there is no SQL parser."""
    from nexusdev.components.postgres.statements import starts

    found = starts(text)
    at = found[min(number, len(found) - 1)] if found else 0
    return text.count("\n", 0, at) + 1
