"""The sample data of the shop, and its command line."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from nexusdev.demo import shop


def test_the_sample_data_is_the_same_every_time() -> None:
    assert shop.sample() == shop.sample()


def test_every_order_is_of_a_customer_and_a_product_that_exist() -> None:
    rows = shop.sample()
    customers, products = ({row[0] for row in rows[table]} for table in ("customers", "products"))
    assert len(rows["orders"]) == shop.ORDERS
    assert all(
        customer in customers and product in products and pieces > 0 for customer, product, pieces in rows["orders"]
    )


def test_products_have_different_names_and_a_price() -> None:
    products = shop.sample()["products"]
    assert len({name for _, name, _ in products}) == shop.PRODUCTS
    assert all(cents > 0 for _, _, cents in products)


def test_the_shop_imports_nothing_of_nexusdev() -> None:
    tree = ast.parse(Path(shop.__file__).read_text(encoding="utf-8"))
    imported = {alias.name for each in ast.walk(tree) if isinstance(each, ast.Import) for alias in each.names}
    imported |= {each.module or "" for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)}
    assert not [name for name in imported if name.startswith("nexusdev")]


@pytest.mark.parametrize("arguments", [[], ["steal"], ["load", "buy"]])
def test_an_unknown_command_prints_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert shop.main(arguments) == 2
    assert "load|buy|whoami|clean" in capsys.readouterr().err


def test_what_belongs_to_another_owner_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise shop.Refused("the schema nexusdev_demo is not of nexusdev demo: rename it")

    monkeypatch.setattr(shop, "COMMANDS", {"clean": refuse})
    assert shop.main(["clean"]) == 1
    assert capsys.readouterr().err == "error: the schema nexusdev_demo is not of nexusdev demo: rename it\n"
