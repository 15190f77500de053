"""What is said of a project's file that cannot be applied. Applying itself needs a server: see the integration tests."""

from __future__ import annotations

import hashlib

import pytest

from nexusdev.components.contract import SeedFile
from nexusdev.components.postgres.project_seed import _text, apply
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess


def file(path: str, content: bytes = b"") -> SeedFile:
    return SeedFile(path=path, content=content, sha256=hashlib.sha256(content).hexdigest())


def test_seeding_without_files_needs_no_server(access: InstanceAccess) -> None:
    assert apply(access, ()) == ()
    assert apply(access, (file("postgres/README.md"),)) == ()


def test_a_file_that_is_not_sql_is_refused(access: InstanceAccess) -> None:
    with pytest.raises(SeedingFailed, match=r"seed/postgres/items\.csv is not a \.sql file"):
        apply(access, (file("postgres/items.csv"),))


def test_a_file_that_is_not_utf_8_is_named_with_its_line() -> None:
    with pytest.raises(SeedingFailed, match=r"seed/postgres/1\.sql, line 2: not UTF-8"):
        _text(file("postgres/1.sql", b"SELECT 1;\nSELECT '\xff';\n"))


def test_a_byte_order_mark_is_stripped() -> None:
    assert _text(file("postgres/1.sql", b"\xef\xbb\xbfSELECT 1")) == "SELECT 1"
