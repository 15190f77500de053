"""Which client reads which variable, in which form, and where it finds its trust. Pure data; a test runs each client.

The forms are decided here: REDIS_URL has no parameters because go-redis rejects unknown ones, Celery has its own URLs because it rejects a URL
without ``ssl_cert_reqs``, asyncpg and JDBC because they do not know ``sslmode`` as libpq's URL has it. No value has an ``&`` or a quote: a shell that
sources the file would cut the value at the ``&``, and Docker would keep the quote.
"""

from __future__ import annotations

from typing import NamedTuple

#: How a client reaches a server: the published port, PgBouncer, the sentinels, or by name from a container on the instance's network.
PATHS = ("direct", "pool", "sentinel", "container")


class ClientForm(NamedTuple):
    """One client library or command.

    Attributes:
        language: The language or kind of program.
        client: The library or command, as its users call it.
        reads: The variables that configure it.
        trust: The variables that make it trust the instance's CA.
        paths: Members of PATHS that it is tested on.
        requires: Parameters that its URL must have.
        refuses: Parameters that its URL must not have.
    """

    language: str
    client: str
    reads: tuple[str, ...]
    trust: tuple[str, ...]
    paths: tuple[str, ...] = ("direct",)
    requires: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()


_AWS = ("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")
_MINIO = ("MINIO_ENDPOINT", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY")
_VAULT = ("VAULT_ADDR", "VAULT_TOKEN")
_SENTINELS = ("REDIS_SENTINELS", "REDIS_MASTER_NAME", "REDIS_USERNAME", "REDIS_PASSWORD")
_DATABASES = ("DATABASE_URL", "DATABASE_POOL_URL")
_NODE = ("NODE_EXTRA_CA_CERTS", "NODE_OPTIONS")

FORMS: tuple[ClientForm, ...] = (
    ClientForm("Python", "psycopg", _DATABASES, ("PGSSLROOTCERT",), ("direct", "pool", "container")),
    ClientForm(
        "Python",
        "SQLAlchemy with asyncpg",
        ("DATABASE_ASYNC_URL",),
        ("PGSSLROOTCERT",),
        ("direct",),
        ("ssl",),
        ("sslmode",),
    ),
    ClientForm("Python", "django-environ", ("DATABASE_URL", "REDIS_URL"), ("PGSSLROOTCERT",)),
    ClientForm(
        "Python", "redis-py", ("REDIS_URL", *_SENTINELS), ("SSL_CERT_FILE",), ("direct", "sentinel", "container")
    ),
    ClientForm(
        "Python",
        "Celery",
        ("CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"),
        ("SSL_CERT_FILE",),
        requires=("ssl_cert_reqs",),
    ),
    ClientForm("Python", "boto3", _AWS, ("AWS_CA_BUNDLE",), ("direct", "container")),
    ClientForm("Python", "minio", _MINIO, ("SSL_CERT_FILE",)),
    ClientForm("Python", "hvac", _VAULT, ("VAULT_CACERT",), ("direct", "container")),
    ClientForm("Python", "requests", ("PROMETHEUS_URL",), ("REQUESTS_CA_BUNDLE",)),
    ClientForm("Node", "fetch", ("PROMETHEUS_URL",), _NODE),
    ClientForm("Node", "pg", _DATABASES, _NODE, ("direct", "pool")),
    ClientForm("Node", "ioredis", ("REDIS_URL", *_SENTINELS), _NODE, ("direct", "sentinel")),
    ClientForm("Node", "@aws-sdk/client-s3", _AWS, _NODE),
    ClientForm("Node", "node-vault", _VAULT, _NODE),
    ClientForm("Go", "net/http", ("PROMETHEUS_URL",), ("SSL_CERT_FILE",)),
    ClientForm("Go", "pgx", _DATABASES, ("PGSSLROOTCERT",), ("direct", "pool")),
    ClientForm(
        "Go",
        "go-redis",
        ("REDIS_URL", *_SENTINELS),
        ("SSL_CERT_FILE",),
        ("direct", "sentinel"),
        refuses=("ssl_ca_certs", "ssl_cert_reqs"),
    ),
    ClientForm("Java", "JDBC", ("JDBC_DATABASE_URL", "PGSERVICEFILE"), ("PGSERVICEFILE",), requires=("service",)),
    ClientForm("Java", "Jedis", ("REDIS_URL",), ("NEXUSDEV_JAVA_OPTIONS",)),
    ClientForm("Ruby", "net/http", ("PROMETHEUS_URL",), ("SSL_CERT_FILE",)),
    ClientForm("Ruby", "pg", _DATABASES, ("PGSSLROOTCERT",), ("direct", "pool")),
    ClientForm("Ruby", "redis", ("REDIS_URL",), ("SSL_CERT_FILE",)),
    ClientForm("command line", "psql", _DATABASES, ("PGSSLROOTCERT",), ("direct", "pool", "container")),
    ClientForm("command line", "redis-cli", ("REDIS_URL",), ("SSL_CERT_FILE",), ("direct", "container")),
    ClientForm("command line", "curl", ("VAULT_ADDR",), ("CURL_CA_BUNDLE",)),
    ClientForm("command line", "aws", _AWS, ("AWS_CA_BUNDLE",)),
    ClientForm("command line", "rclone", ("nexusdev env --for rclone",), ("SSL_CERT_FILE",)),
    ClientForm("command line", "s3cmd", ("nexusdev env --for s3cmd",), ("NEXUSDEV_CA_FILE",)),
)
