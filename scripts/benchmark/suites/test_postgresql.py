"""pytest-postgresql on the same server: a database per test, made and dropped while the test waits."""

import time

import pytest

many = pytest.mark.parametrize("number", range(40))


def test_first(postgresql):
    pass


@many
def test_pg(postgresql, number):
    pass


@many
def test_pg_in_tests_of_300_ms(postgresql, number):
    time.sleep(0.3)
