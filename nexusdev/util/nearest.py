"""Finds the known words that are closest to a mistyped one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_SIMILAR = 0.5
_TYPO = 0.85
#: Further words are suggested only if they are about as similar as the best one.
_MARGIN = 0.1


def nearest(word: str, known: Iterable[str], *, count: int = 1) -> tuple[str, ...]:
    """Find the known words that are most similar to a word, ignoring case.

    Words that begin with it come first, the shortest before the others. If none does, the most similar ones are returned.

    Args:
        word: What was typed.
        known: The words to choose from. Of equally similar words the earlier one wins.
        count: How many words to return at most.

    Returns:
        The best word first; empty if no word is similar enough.
    """
    names = list(dict.fromkeys(known))
    begun = [name for name in names if word and name.lower().startswith(word.lower())]
    if begun:
        return tuple(sorted(begun, key=len)[:count])
    found = sorted(_similar(word, names, _SIMILAR), key=lambda each: each[0], reverse=True)
    return tuple(name for ratio, name in found[:count] if ratio >= found[0][0] - _MARGIN)


def typo_of(word: str, known: Iterable[str]) -> str:
    """Return the known word that differs in about one letter, or ``''``. For words that may belong to another program."""
    return max(_similar(word, known, _TYPO), key=lambda each: each[0], default=(0.0, ""))[1]


def _similar(word: str, known: Iterable[str], least: float) -> Iterator[tuple[float, str]]:
    """Yield the similarity (0 to 1) and the name of each known word that is at least so similar."""
    from difflib import SequenceMatcher  # only needed after a mistake, and slow to import

    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(word.lower())
    for name in known:
        matcher.set_seq1(name.lower())
        # the quick ratios are upper bounds, which are enough for most names
        if matcher.real_quick_ratio() >= least and matcher.quick_ratio() >= least and matcher.ratio() >= least:
            yield matcher.ratio(), name
