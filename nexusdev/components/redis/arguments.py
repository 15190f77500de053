"""redis-cli's arguments: https://redis.io/docs/latest/develop/tools/cli/"""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.typed import names_stdin

_VALUED = frozenset(
    (
        *("-h", "-p", "-t", "-s", "-a", "-u", "-r", "-i", "-n", "-d", "-D"),
        *("--user", "--pass", "--sni", "--cacert", "--cacertdir", "--cert", "--key", "--tls-ciphers"),
        *("--tls-ciphersuites", "--show-pushes", "--pattern", "--quoted-pattern", "--count", "--cursor", "--top"),
        *("--memkeys-samples", "--keystats-samples", "--pipe-timeout"),
    )
)
_READING = frozenset(("-x", "-X", "--pipe", "--askpass", "--cluster"))
# separate modes, which need no command
_WORKING = frozenset(
    (
        *("--stat", "--latency", "--latency-history", "--latency-dist", "--lru-test", "--replica", "--slave", "--rdb"),
        *("--functions-rdb", "--bigkeys", "--memkeys", "--keystats", "--hotkeys", "--scan", "--intrinsic-latency"),
        *("--vset-recall", "--eval", "--help", "--version", "-v"),
    )
)


def reads_stdin(arguments: Sequence[str]) -> bool:
    """Whether redis-cli would read: where there is no command, for ``-x``, ``-X`` and ``--pipe``, and where it asks for a yes."""
    words = iter(arguments)
    works = False
    for word in words:
        if word in _READING:
            return True
        if word in _VALUED:
            next(words, None)
        elif word.startswith("-"):
            works = works or word in _WORKING
        else:
            return names_stdin([word])
        if word == "--eval":
            return names_stdin([next(words, "")])
    return not works
