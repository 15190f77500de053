"""The fixtures of nexusdev, each in tests that do nothing else."""

import time

import pytest

many = pytest.mark.parametrize("number", range(40))


def test_plain():
    pass


def test_first(nexus_pg, nexus_redis):
    pass


@many
def test_pg(nexus_pg, number):
    pass


@many
def test_pg_in_tests_of_300_ms(nexus_pg, number):
    time.sleep(0.3)


@many
def test_pg_tx(nexus_pg_tx, number):
    pass


@many
def test_redis(nexus_redis, number):
    pass


@many
def test_s3(nexus_s3, number):
    pass


@many
def test_vault(nexus_vault, number):
    pass


@pytest.mark.parametrize("number", range(200))
def test_four(nexus_pg, nexus_redis, nexus_s3, nexus_vault, number):
    with nexus_pg.connect() as connection:
        connection.execute("CREATE TABLE orders (id int)")
    nexus_redis.client().set(nexus_redis.key("a"), "1")
    assert nexus_s3.client().bucket_exists(nexus_s3.bucket)
    assert nexus_vault.client().is_authenticated()
