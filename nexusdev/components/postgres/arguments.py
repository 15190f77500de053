"""psql's arguments: https://www.postgresql.org/docs/current/app-psql.html"""

from __future__ import annotations

import re
from collections.abc import Sequence

from nexusdev.components.typed import names_stdin

_SHORT = "aAbc:d:eEf:F:h:HlL:no:p:P:qR:sStT:U:v:VwWxXz?01"
_LONG = (
    *("echo-all", "no-align", "command=", "dbname=", "echo-queries", "echo-errors", "echo-hidden", "file=", "csv"),
    *("field-separator=", "field-separator-zero", "host=", "html", "list", "log-file=", "no-readline"),
    *("single-transaction", "output=", "port=", "pset=", "quiet", "record-separator=", "record-separator-zero"),
    *("single-step", "single-line", "tuples-only", "table-attr=", "username=", "set=", "variable=", "version"),
    *("no-password", "password", "expanded", "no-psqlrc", "help"),
)
_COMMANDS, _FILES = ("-c", "--command"), ("-f", "--file")
_ENDING = ("-l", "--list", "-V", "--version", "-?", "--help")
# COPY … FROM STDIN, \copy … from stdin and pstdin, \i /dev/stdin
_COPIES = re.compile(r"\bp?stdin\b|\\i\s+-", re.IGNORECASE)


def reads_stdin(arguments: Sequence[str]) -> bool:
    """Whether psql reads standard input: without a command or file, with ``-f -``, and for a command that copies from stdin."""
    from getopt import GetoptError, gnu_getopt

    try:
        options, _ = gnu_getopt(list(arguments), _SHORT, list(_LONG))
    except GetoptError:  # psql will report it
        return True
    if any(name in _ENDING for name, _ in options):
        return False
    commands = [value for name, value in options if name in _COMMANDS]
    files = [value for name, value in options if name in _FILES]
    if not commands and not files:
        return True
    return names_stdin(files) or any(_COPIES.search(each) for each in commands)
