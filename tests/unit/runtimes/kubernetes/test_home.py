"""An instance stays in the context and the namespace that it was made in, and no context is ever guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.errors import IdentityMismatch, InvalidConfig
from nexusdev.runtimes.kubernetes.home import Home, home_of, record, recorded


def test_a_new_instance_has_a_namespace_of_its_own() -> None:
    home = home_of("shop", None, context="team", namespace="")
    assert (home.context, home.namespace, home.adopts) == ("team", "nexusdev-shop", False)


def test_a_namespace_that_is_named_may_be_one_that_exists() -> None:
    assert home_of("shop", None, context="team", namespace="anns").adopts


def test_without_a_context_the_error_says_what_to_type() -> None:
    with pytest.raises(InvalidConfig, match="needs the name of a context") as raised:
        home_of("shop", None, context="", namespace="").require_context()
    assert "nexusdev up --runtime kubernetes --context NAME" in raised.value.hint


def test_later_commands_need_no_context(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    made = Home(context="team", namespace="anns", instance="shop")
    record(folder, made)
    assert home_of("shop", folder, context="", namespace="") == made
    assert home_of("shop", folder, context="team", namespace="anns").require_context() == "team"


@pytest.mark.parametrize(("context", "namespace"), [("other", ""), ("", "nexusdev-shop")])
def test_another_place_is_refused_with_both_ways_out(tmp_path: Path, context: str, namespace: str) -> None:
    folder = tmp_path / "shop"
    record(folder, Home(context="team", namespace="anns", instance="shop"))
    with pytest.raises(IdentityMismatch, match="instance shop lives in") as raised:
        home_of("shop", folder, context=context, namespace=namespace)
    assert raised.value.code == "CLUSTER_MISMATCH"
    assert len(raised.value.hint.splitlines()) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"context": "team"}'])
def test_a_broken_record_counts_as_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "shop" / "kubernetes" / "home.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert recorded(tmp_path / "shop") is None
