"""An application inside a container: stock clients and nothing but the environment. Prints what it saw as one JSON object.

Runs on the Python of an image of the stack, with this machine's pure Python packages mounted.
"""

from __future__ import annotations

import json
import os
import urllib.request
from typing import Any


def postgres(url: str) -> dict[str, Any]:
    """libpq reads PGSSLROOTCERT and the URL's sslmode by itself."""
    import psycopg

    with psycopg.connect(os.environ[url], connect_timeout=5, prepare_threshold=None) as connection:
        row = connection.execute("SELECT current_user, pg_is_in_recovery()").fetchone()
        assert row is not None
        return {"user": row[0], "replica": row[1], "tls": bool(connection.pgconn.ssl_in_use)}


def redis_by_url() -> str:
    import redis

    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    return str(client.role()[0].decode())


def redis_by_sentinel() -> str:
    from redis.sentinel import Sentinel

    login: dict[str, Any] = {
        "username": os.environ["REDIS_USERNAME"],
        "password": os.environ["REDIS_PASSWORD"],
        "ssl": True,
        "ssl_ca_certs": os.environ["NEXUSDEV_CA_FILE"],
    }
    places = [each.rsplit(":", 1) for each in os.environ["REDIS_SENTINELS"].split(",")]
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        [(host, int(port)) for host, port in places], sentinel_kwargs=login, **login
    )
    master = sentinel.master_for(os.environ["REDIS_MASTER_NAME"])  # type: ignore[no-untyped-call]
    return str(master.role()[0].decode())


def minio() -> dict[str, str]:
    """Write and read by the endpoint of the network; sign a link for the host."""
    import boto3

    where = {"Bucket": "nexus-app-data", "Key": "in-container.txt"}
    client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL_S3"])
    client.put_object(**where, Body=b"from a container")
    public = boto3.client("s3", endpoint_url=os.environ["S3_PUBLIC_ENDPOINT_URL"])
    read = client.get_object(**where)["Body"].read().decode()
    return {"read": read, "link": public.generate_presigned_url("get_object", Params=where)}


def vault() -> str:
    import hvac

    client = hvac.Client(
        url=os.environ["VAULT_ADDR"], token=os.environ["VAULT_TOKEN"], verify=os.environ["VAULT_CACERT"]
    )
    kept = client.secrets.kv.v2.read_secret_version(path="nexus/postgres", raise_on_deleted_version=True)
    return str(kept["data"]["data"]["username"])


def prometheus() -> int:
    import ssl

    context = ssl.create_default_context(cafile=os.environ["NEXUSDEV_CA_FILE"])
    with urllib.request.urlopen(os.environ["PROMETHEUS_URL"] + "/-/ready", context=context, timeout=5) as answer:
        return int(answer.status)


if __name__ == "__main__":
    print(
        json.dumps(
            {
                "uid": os.getuid(),
                "primary": postgres("DATABASE_URL"),
                "replica": postgres("DATABASE_RO_URL"),
                "pool": postgres("DATABASE_POOL_URL"),
                "owner": postgres("DATABASE_MIGRATION_URL"),
                "redis": redis_by_url(),
                "sentinel": redis_by_sentinel(),
                "minio": minio(),
                "vault": vault(),
                "prometheus": prometheus(),
            }
        )
    )
