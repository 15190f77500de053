"""The chapters of the tour name drills, components and commands that exist."""

from __future__ import annotations

import pytest

from nexusdev.components import registry
from nexusdev.components.component_set import ComponentSet
from nexusdev.demo import shop
from nexusdev.demo.chapters import CHAPTERS, Act, Chapter, chosen
from nexusdev.drills.catalogue import scenarios
from nexusdev.errors import UsageError


def test_without_names_all_chapters_are_shown() -> None:
    assert chosen(()) == CHAPTERS


def test_chapters_are_shown_in_the_order_of_the_tour() -> None:
    assert [each.name for each in chosen(["vault", "stack"])] == ["stack", "vault"]


def test_an_unknown_chapter_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="there is no chapter postgre") as caught:
        chosen(["postgre"])
    assert caught.value.hint == "nexusdev demo postgres"


def test_every_drill_of_a_chapter_exists() -> None:
    known = scenarios(ComponentSet()[name] for name in registry.ROWS)
    assert {each.argument for each in CHAPTERS if each.act is Act.DRILL} <= known.keys()


def test_every_command_of_the_shop_exists() -> None:
    assert {each.argument for each in CHAPTERS if each.act in {Act.SHOP, Act.LOGIN}} <= shop.COMMANDS.keys()


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda each: each.name)
def test_a_chapter_needs_components_that_exist_and_says_how_to_do_it_by_hand(chapter: Chapter) -> None:
    assert set(chapter.needs) <= registry.ROWS.keys()
    assert all(each.startswith("nexusdev ") for each in chapter.by_hand)
    assert chapter.by_hand
