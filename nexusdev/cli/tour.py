"""Shows the demo on a console, chapter by chapter, and waits for the person who watches."""

from __future__ import annotations

import sys

from msgspec import Struct

from nexusdev.cli.console import END_OF_INPUT, Console
from nexusdev.cli.layout import wrapped
from nexusdev.cli.output import OutputBlock, Text
from nexusdev.cli.rendering import rendered
from nexusdev.cli.rendering.demo import drilled
from nexusdev.demo.chapters import Chapter
from nexusdev.operations.drill import DrillResult
from nexusdev.results import Result

#: Columns in which the text is easy to read.
_WIDEST = 78


class ConsoleGuide(Struct, frozen=True):
    """Implements ``operations.demo.Guide``.

    Attributes:
        console: Where it shows everything.
        waits: Whether it waits for Enter before each chapter. It never waits without a terminal.
    """

    console: Console
    waits: bool = True

    def open(self, chapter: Chapter, number: int, total: int) -> bool:
        """Show the title, the text and the commands of a chapter, and wait for Enter."""
        width = min(self.console.page(self.console.out).width, _WIDEST)
        head = Text(f"{number} of {total}: {chapter.title}", "strong")
        by_hand = [Text(f"  {each}", "dim") for each in chapter.by_hand]
        lines: list[OutputBlock] = ["", head, *wrapped(chapter.text, width), "", "by hand:", *by_hand]
        self.console.say(*lines)
        if self.waits and (answer := self.console.prompt("\nEnter to go on, q to end: ")) is not None:
            return answer.lower() not in {"q", "quit", END_OF_INPUT}
        return True

    def show(self, shown: Result | str) -> None:
        """Show a result as its own command does; a drill with the bars of its clients."""
        if isinstance(shown, str):
            self.console.say("", *shown.splitlines())
        elif isinstance(shown, DrillResult):
            self.console.say("", *drilled(shown))
        else:
            self.console.say("", *rendered(shown).output)
        sys.stdout.flush()
