"""The shortest honest question to each product: what is this instance's nonce?

Each is asked with nothing but the variables and returns the nonce, '' where the product carries none; ``ServerError`` has the server's
words, ``OSError`` says that there is no server, no answer or no trust.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from typing import Any

from nexusdev.wire import ServerError, http, postgres, resp, s3, tls

Values = Mapping[str, str]


def ask_postgres(place: tls.Place, values: Values, context: ssl.SSLContext, timeout: float) -> str:
    """Read the table; PgBouncer passes it on."""
    with postgres.connect(
        address=place,
        database=values["PGDATABASE"],
        user=values["PGUSER"],
        password=values["PGPASSWORD"],
        context=context,
        timeout=timeout,
    ) as session:
        rows = session.ask("SELECT nonce FROM nexusdev.instance")
    return (rows[0][0] or "") if rows else ""


def ask_postgres_as_owner(place: tls.Place, values: Values, context: ssl.SSLContext, timeout: float) -> str:
    """The same question with the login of the URL for migrations."""
    login = values["DATABASE_MIGRATION_URL"].partition("://")[2].rpartition("@")[0]
    user, _, password = login.partition(":")
    return ask_postgres(place, {**values, "PGUSER": user, "PGPASSWORD": password}, context, timeout)


def ask_redis(place: tls.Place, values: Values, context: ssl.SSLContext, timeout: float) -> str:
    """Call the function that carries the nonce (no key: neither eviction nor FLUSHALL takes it away)."""
    user, password = values["REDIS_USERNAME"], values["REDIS_PASSWORD"]
    with resp.connect(place, user=user, password=password, context=context, timeout=timeout) as connection:
        return str(connection.ask("FCALL_RO", "nexusdev_instance", "0") or "")


def ask_sentinel(place: tls.Place, values: Values, context: ssl.SSLContext, timeout: float) -> str:
    """Who the master is: a sentinel carries no nonce, its certificate is the proof."""
    user, password, master = (values[f"REDIS_{name}"] for name in ("USERNAME", "PASSWORD", "MASTER_NAME"))
    with resp.connect(place, user=user, password=password, context=context, timeout=timeout) as connection:
        if not connection.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", master):
            raise ServerError(f"it knows no master {master}")
    return ""


def ask_minio(place: tls.Place, values: Values, context: ssl.SSLContext, timeout: float) -> str:
    """GET the object."""
    path = "/nexus-app-data/.nexusdev/instance"
    headers = s3.sign(
        "GET",
        path,
        headers=_host(place),
        access_key=values["MINIO_ACCESS_KEY"],
        secret_key=values["MINIO_SECRET_KEY"],
        region=values.get("AWS_REGION", s3.REGION),
    )
    return http.get(place, path, context=context, headers=headers, timeout=timeout).strip()


def ask_vault(place: tls.Place, values: Values, context: ssl.SSLContext, timeout: float) -> str:
    """Read the secret (KV version 2)."""
    headers = {**_host(place), "X-Vault-Token": values.get("VAULT_TOKEN", "")}
    path = "/v1/secret/data/nexus/instance"
    body: Any = json.loads(http.get(place, path, context=context, headers=headers, timeout=timeout))
    return str(body["data"]["data"]["nonce"])


def ask_prometheus(place: tls.Place, _values: Values, context: ssl.SSLContext, timeout: float) -> str:
    """Whether it is ready; it carries no nonce, its certificate is the proof."""
    http.get(place, "/-/ready", context=context, headers=_host(place), timeout=timeout)
    return ""


# Likewise.
ask_alertmanager = ask_prometheus


def ask_grafana(place: tls.Place, _values: Values, context: ssl.SSLContext, timeout: float) -> str:
    """Whether it is well; likewise."""
    http.get(place, "/api/health", context=context, headers=_host(place), timeout=timeout)
    return ""


def _host(place: tls.Place) -> dict[str, str]:
    return {"host": f"{place.host}:{place.port}"}
