"""Cache, uploads and secrets of a small shop. Nothing of one test is seen by another."""

from __future__ import annotations

import asyncio
import io

import pytest


@pytest.mark.parametrize("number", range(5))
def test_a_cart_is_cached(nexus_redis, number):
    with nexus_redis.client(decode_responses=True) as client:
        assert client.get(nexus_redis.key("cart")) is None
        client.set(nexus_redis.key("cart"), str(number))
        assert client.get(nexus_redis.key("cart")) == str(number)


def test_a_cart_is_cached_asynchronously(nexus_redis):
    async def cached():
        async with nexus_redis.async_client(decode_responses=True) as client:
            await client.set(nexus_redis.key("cart"), "1")
            return await client.get(nexus_redis.key("cart"))

    assert asyncio.run(cached()) == "1"


@pytest.mark.parametrize("number", range(5))
def test_an_invoice_is_uploaded(nexus_s3, number):
    client = nexus_s3.client()
    assert list(client.list_objects(nexus_s3.bucket)) == []
    client.put_object(nexus_s3.bucket, "invoice.pdf", io.BytesIO(b"pdf"), 3)
    assert client.get_object(nexus_s3.bucket, "invoice.pdf").read() == b"pdf"


@pytest.mark.parametrize("number", range(5))
def test_a_key_of_the_payment_provider_is_kept(nexus_vault, number):
    store = nexus_vault.client().secrets.kv.v2
    path = nexus_vault.path("payment")
    store.create_or_update_secret(path, {"key": str(number)}, mount_point="secret", cas=0)
    found = store.read_secret_version(path, mount_point="secret", raise_on_deleted_version=True)
    assert found["data"]["data"] == {"key": str(number)}


def test_the_variables_of_the_application_lead_to_this_test(nexus_env, nexus_pg, nexus_redis, nexus_s3, nexus_vault):
    assert nexus_env["PGDATABASE"] == nexus_pg.name
    assert nexus_env["REDIS_KEY_PREFIX"] == nexus_redis.prefix
    assert nexus_env["S3_BUCKET"] == nexus_s3.bucket
    assert nexus_env["VAULT_TOKEN"] == nexus_vault.token


def test_the_instance_is_known(nexus):
    assert nexus.env()["NEXUSDEV_INSTANCE"] == nexus.name
    nexus.wait_ready("redis")
