"""A Python client, configured in its usual way from the environment alone: ``check.py CLIENT PATH``. Ends with 0 if it worked."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from typing import Any

ENV = os.environ
PATH = sys.argv[2]


def psycopg() -> None:
    import psycopg

    url = ENV["DATABASE_POOL_URL" if PATH == "pool" else "DATABASE_URL"]
    with psycopg.connect(url, prepare_threshold=None) as connection:
        row = connection.execute("SELECT current_user").fetchone()
        assert row == ("nexus_app",), row
        assert connection.pgconn.ssl_in_use


def asyncpg() -> None:
    import asyncpg

    async def ask() -> None:
        connection = await asyncpg.connect(ENV["DATABASE_POOL_URL" if PATH == "pool" else "DATABASE_URL"])
        assert await connection.fetchval("SELECT current_user") == "nexus_app"
        assert connection._transport.get_extra_info("ssl_object") is not None
        await connection.close()

    asyncio.run(ask())


def sqlalchemy_with_asyncpg() -> None:
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine

    async def ask() -> None:
        engine = create_async_engine(ENV["DATABASE_ASYNC_URL"])
        async with engine.connect() as connection:
            query = "SELECT current_user, (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())"
            assert (await connection.execute(text(query))).one() == ("nexus_app", True)
        await engine.dispose()

    asyncio.run(ask())


def django_environ() -> None:
    import django
    import environ
    from django.conf import settings

    env = environ.Env()
    cache = {**env.cache_url("REDIS_URL"), "BACKEND": "django.core.cache.backends.redis.RedisCache"}
    database = env.db("DATABASE_POOL_URL" if PATH == "pool" else "DATABASE_URL")
    settings.configure(DATABASES={"default": database}, CACHES={"default": cache})
    django.setup()
    from django.core.cache import cache as store
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("nexus_app",)
    store.set("clients:django", "there", 30)
    assert store.get("clients:django") == "there"


def redis_py() -> None:
    import redis
    from redis.sentinel import Sentinel

    if PATH == "sentinel":
        login: dict[str, Any] = {"username": ENV["REDIS_USERNAME"], "password": ENV["REDIS_PASSWORD"], "ssl": True}
        places = [each.rsplit(":", 1) for each in ENV["REDIS_SENTINELS"].split(",")]
        sentinels = Sentinel([(host, int(port)) for host, port in places], sentinel_kwargs=login, **login)
        client = sentinels.master_for(ENV["REDIS_MASTER_NAME"])
    else:
        client = redis.Redis.from_url(ENV["REDIS_URL"])
    assert client.role()[0] == b"master"


def celery() -> None:
    """A worker of its own runs one task."""
    words = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--pool=solo", "--loglevel=WARNING"]
    worker = subprocess.Popen([*words, "--without-mingle", "--without-gossip", "--without-heartbeat"])
    try:
        import tasks

        assert tasks.add.delay(2, 3).get(timeout=60) == 5
        schemes = {url.partition(":")[0] for url in (tasks.app.connection().as_uri(), tasks.app.backend.as_uri())}
        assert schemes == {"sentinel" if PATH == "sentinel" else "rediss"}, schemes
    finally:
        worker.terminate()
        worker.wait(30)


def boto3() -> None:
    import boto3

    s3 = boto3.client("s3")  # a recent one reads AWS_ENDPOINT_URL_S3 by itself
    s3.put_object(Bucket="nexus-app-data", Key="clients/boto3", Body=b"there")
    assert s3.get_object(Bucket="nexus-app-data", Key="clients/boto3")["Body"].read() == b"there"
    boto3.client("sqs")  # needs a region


def minio() -> None:
    from minio import Minio

    client = Minio(ENV["MINIO_ENDPOINT"], ENV["MINIO_ACCESS_KEY"], ENV["MINIO_SECRET_KEY"])
    assert client.bucket_exists("nexus-app-data")


def hvac() -> None:
    import hvac

    client = hvac.Client(verify=ENV["VAULT_CACERT"])
    kept = client.secrets.kv.v2.read_secret_version(path="nexus/postgres", raise_on_deleted_version=True)
    assert kept["data"]["data"]["username"] == "nexus_app"


def requests() -> None:
    import requests

    assert requests.get(ENV["PROMETHEUS_URL"] + "/-/ready", timeout=10).status_code == 200


def httpx() -> None:
    import httpx

    assert httpx.get(ENV["PROMETHEUS_URL"] + "/-/ready", timeout=10).status_code == 200


began = time.monotonic()
{
    "psycopg": psycopg,
    "asyncpg": asyncpg,
    "SQLAlchemy with asyncpg": sqlalchemy_with_asyncpg,
    "django-environ": django_environ,
    "redis-py": redis_py,
    "Celery": celery,
    "boto3": boto3,
    "minio": minio,
    "hvac": hvac,
    "requests": requests,
    "httpx": httpx,
}[sys.argv[1]]()
print(f"ok after {time.monotonic() - began:.1f} s")
