"""The models of a small shop. Every test begins with the same empty tables."""

from __future__ import annotations

import asyncio

import pytest


def add(connection, name):
    connection.execute("INSERT INTO customers (name) VALUES (%s)", [name])


@pytest.mark.parametrize("number", range(6))
def test_a_customer_is_alone_in_the_database_of_each_test(nexus_pg, number):
    with nexus_pg.connect() as connection:
        add(connection, "Ada")
        connection.commit()
        assert connection.execute("SELECT count(*) FROM customers").fetchone() == (1,)


@pytest.mark.parametrize("number", range(6))
def test_a_transaction_is_rolled_back(nexus_pg_tx, number):
    add(nexus_pg_tx, "Ada")
    nexus_pg_tx.execute("CREATE TABLE scratch (id int)")
    assert nexus_pg_tx.execute("SELECT count(*) FROM customers").fetchone() == (1,)


def test_the_owner_may_change_the_tables_of_the_migrations(nexus_pg):
    with nexus_pg.connect() as connection:
        connection.execute("ALTER TABLE orders ADD note text")


def test_the_database_is_read_asynchronously(nexus_pg):
    async def count():
        async with await nexus_pg.connect_async() as connection:
            return await (await connection.execute("SELECT count(*) FROM orders")).fetchone()

    assert asyncio.run(count()) == (0,)


@pytest.fixture(scope="module")
def catalog(nexus_pg_factory):
    database = nexus_pg_factory()
    with database.connect() as connection:
        add(connection, "Grace")
    return database


@pytest.mark.parametrize("number", range(2))
def test_a_module_shares_a_database(catalog, number):
    with catalog.connect() as connection:
        assert connection.execute("SELECT name FROM customers").fetchall() == [("Grace",)]


@pytest.mark.nexus(migrations="check_orders:only_a_table")
def test_a_marker_names_other_migrations(nexus_pg):
    with nexus_pg.connect() as connection:
        assert connection.execute("SELECT to_regclass('other'), to_regclass('orders')").fetchone() == ("other", None)


def only_a_table(url):
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE other (id int)")
