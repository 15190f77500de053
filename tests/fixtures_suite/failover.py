"""The shop survives the loss of PostgreSQL's primary. Runs when it is named: ``pytest failover.py --nexus-allow-chaos``."""

from __future__ import annotations


def test_orders_are_kept_over_a_failover(nexus_chaos, nexus_pg):
    with nexus_pg.connect() as connection:
        connection.execute("INSERT INTO customers (name) VALUES ('Ada')")
    before = nexus_chaos.leader("postgres")
    nexus_chaos.kill(before)
    assert nexus_chaos.wait_failover("postgres") != before
    with nexus_pg.connect() as connection:
        connection.execute("INSERT INTO customers (name) VALUES ('Grace')")
        assert connection.execute("SELECT name FROM customers ORDER BY name").fetchall() == [("Ada",), ("Grace",)]
