"""Makes stdout and stderr safe to write to: closed, full, or with an encoding that lacks a character.

Light: every command opens its streams with it before anything else is imported.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from typing import TYPE_CHECKING

from nexusdev.errors import OutputFailed

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_REPLACE = "nexusdev.replace"
_FIRST_BYTE, _LAST_BYTE, _OFFSET = 0xDC80, 0xDCFF, 0xDC00


class _Output(io.FileIO):
    """stdout: the result of a command. What cannot be written is an error.

    Attributes:
        was_closed: Whether it was closed when the process began. Its number belongs to the null device then.
    """

    was_closed = False

    def write(self, data: ReadableBuffer, /) -> int | None:  # type: ignore[override] # typeshed: FileIO and IO differ
        if self.was_closed:
            raise _output_failed(errno.EBADF)
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise _output_failed(error.errno or errno.EIO) from error


class _Progress(io.FileIO):
    """stderr: progress and errors. A command does not fail because they cannot be written."""

    def write(self, data: ReadableBuffer, /) -> int | None:  # type: ignore[override] # typeshed: FileIO and IO differ
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def open_streams() -> None:
    """Replace ``sys.stdout`` and ``sys.stderr``.

    The number of a stream that is closed gets the null device: otherwise the first socket gets it. A character that the encoding
    lacks is written as ``?``; a byte of a file name that is no text is written as it is.
    """
    codecs.register_error(_REPLACE, _replaced)
    for number, name, kind in ((1, "stdout", _Output), (2, "stderr", _Progress)):
        before = getattr(sys, name)
        if before is None:
            _open_null(number)
        raw = kind(number, "wb", closefd=False)
        if isinstance(raw, _Output):
            raw.was_closed = before is None
        stream = io.TextIOWrapper(
            io.BufferedWriter(raw),
            encoding=before.encoding if before else "utf-8",
            errors=_REPLACE,
            line_buffering=before.line_buffering if before else False,
            write_through=before.write_through if before else False,
        )
        setattr(sys, name, stream)


def write_exactly(text: str) -> None:
    """Write a result that programs read, such as an env file: its characters are never replaced.

    Raises:
        OutputFailed: It cannot be written, or stdout is closed.
        BrokenPipeError: The reader has gone.
    """
    sys.stdout.flush()
    sys.stdout.buffer.write(os.fsencode(text))
    sys.stdout.buffer.flush()


def _output_failed(number: int) -> OutputFailed:
    return OutputFailed(
        f"failed to write the output: {os.strerror(number)}",
        why="stdout is a file on a full disk, is closed, or is not open for writing",
        hint="send the output to another file, or free some space there",
    )


def _open_null(number: int) -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    if null != number:
        os.dup2(null, number)
        os.close(null)


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    """An error handler of codecs for encoding."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    codes = [ord(each) for each in error.object[error.start : error.end]]
    if all(_FIRST_BYTE <= code <= _LAST_BYTE for code in codes):
        return bytes(code - _OFFSET for code in codes), error.end
    return "?", error.start + 1
