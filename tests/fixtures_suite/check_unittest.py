"""Tests in classes of unittest, and slices that a whole module shares."""

from __future__ import annotations

import unittest

import pytest


class Orders(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def servers(self, nexus_pg, nexus_redis):
        self.pg, self.redis = nexus_pg, nexus_redis

    def test_an_order_is_stored(self):
        with self.pg.connect() as connection:
            connection.execute("INSERT INTO customers (name) VALUES ('Ada')")
            assert connection.execute("SELECT count(*) FROM customers").fetchone() == (1,)

    def test_a_cart_is_cached(self):
        self.redis.client().set(self.redis.key("cart"), "1")


@pytest.fixture(scope="module")
def shared(nexus_redis_factory, nexus_s3_factory, nexus_vault_factory):
    redis = nexus_redis_factory()
    redis.client().set(redis.key("name"), "Grace")
    return redis, nexus_s3_factory(), nexus_vault_factory(), nexus_redis_factory()


@pytest.mark.parametrize("number", range(2))
def test_a_module_shares_slices(shared, nexus_redis, number):
    redis, bucket, folder, other = shared
    assert redis.client().get(redis.key("name")) == b"Grace"
    assert bucket.client().bucket_exists(bucket.bucket)
    assert folder.client().is_authenticated()
    assert len({redis.prefix, other.prefix, nexus_redis.prefix}) == 3
