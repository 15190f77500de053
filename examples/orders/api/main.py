"""Orders: rows in PostgreSQL, cached in Redis, receipts in MinIO, signed with a key from Vault. Reads only its environment."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import boto3
import hvac
import redis
from fastapi import FastAPI, HTTPException, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, generate_latest
from psycopg_pool import ConnectionPool
from pydantic import BaseModel

BUCKET, KEY = "nexus-app-data", "app/orders"

# Through the pool, statements are not prepared: the next transaction may have another server connection.
database = ConnectionPool(os.environ["DATABASE_POOL_URL"], kwargs={"prepare_threshold": None}, open=False)
cache = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
storage = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL_S3"])
vault = hvac.Client()  # VAULT_ADDR, VAULT_TOKEN and VAULT_CACERT
placed = Counter("orders_placed_total", "Orders that were placed.")


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Open the database's connections at the start and close them at the end."""
    database.open(wait=True)
    yield
    database.close()


app = FastAPI(lifespan=lifespan)


class Order(BaseModel):
    """What is ordered."""

    item: str


@app.get("/health")
def health() -> dict[str, str]:
    """Answer when the database does."""
    with database.connection() as connection:
        connection.execute("SELECT 1")
    return {"status": "ok"}


@app.get("/metrics")
def metrics() -> Response:
    """Answer to Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@app.post("/orders")
def place(order: Order) -> dict[str, str | int]:
    """Write the row, cache it, and store its signed receipt."""
    with database.connection() as connection:
        row = connection.execute("INSERT INTO orders (item) VALUES (%s) RETURNING id", [order.item]).fetchone()
    number = row[0] if row else 0
    cache.set(f"app:order:{number}", order.item, ex=60)
    signature = hmac.new(signing_key(), order.item.encode(), hashlib.sha256).hexdigest()
    storage.put_object(Bucket=BUCKET, Key=f"receipts/{number}", Body=f"{order.item} {signature}".encode())
    placed.inc()
    return {"id": number, "signature": signature}


@app.get("/orders/{number}")
def show(number: int) -> dict[str, str]:
    """Read from the cache, else from the database; and the receipt."""
    item = cache.get(f"app:order:{number}") or stored(number)
    receipt = storage.get_object(Bucket=BUCKET, Key=f"receipts/{number}")["Body"].read().decode()
    return {"item": item, "receipt": receipt}


def stored(number: int) -> str:
    """The item of an order in the database."""
    with database.connection() as connection:
        row = connection.execute("SELECT item FROM orders WHERE id = %s", [number]).fetchone()
    if row is None:
        raise HTTPException(status_code=404)
    return str(row[0])


def signing_key() -> bytes:
    """The key in Vault; made by the first order."""
    try:
        found = vault.secrets.kv.v2.read_secret_version(path=KEY, raise_on_deleted_version=True)
    except hvac.exceptions.InvalidPath:
        vault.secrets.kv.v2.create_or_update_secret(path=KEY, secret={"key": secrets.token_hex(32)})
        found = vault.secrets.kv.v2.read_secret_version(path=KEY, raise_on_deleted_version=True)
    return str(found["data"]["data"]["key"]).encode()
