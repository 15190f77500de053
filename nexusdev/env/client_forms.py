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
        note: What its users must know; '' for nothing.
    """

    language: str
    client: str
    reads: tuple[str, ...]
    trust: tuple[str, ...]
    paths: tuple[str, ...] = ("direct", "container")
    requires: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()
    note: str = ""


_AWS = ("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")
_MINIO = ("MINIO_ENDPOINT", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY")
_VAULT = ("VAULT_ADDR", "VAULT_TOKEN")
_SENTINELS = ("REDIS_SENTINELS", "REDIS_MASTER_NAME", "REDIS_USERNAME", "REDIS_PASSWORD")
_DATABASES = ("DATABASE_URL", "DATABASE_POOL_URL")
_CELERY = ("CELERY_BROKER_URL", "CELERY_RESULT_BACKEND", "nexusdev env --for celery-sentinel")
_NODE = ("NODE_EXTRA_CA_CERTS", "NODE_OPTIONS")
_SPRING = ("SPRING_DATASOURCE_URL", "SPRING_DATASOURCE_USERNAME", "SPRING_DATASOURCE_PASSWORD")
_JAVA = ("NEXUSDEV_JAVA_OPTIONS",)
_LIBPQ = ("PGSSLROOTCERT",)
_SSL = ("SSL_CERT_FILE",)
_SQL_PATHS = ("direct", "pool", "container")
_REDIS_PATHS = ("direct", "sentinel", "container")
_STRICT = ("ssl_ca_certs", "ssl_cert_reqs")

FORMS: tuple[ClientForm, ...] = (
    ClientForm("Python", "psycopg", _DATABASES, _LIBPQ, _SQL_PATHS),
    ClientForm("Python", "asyncpg", _DATABASES, _LIBPQ, _SQL_PATHS),
    ClientForm(
        "Python", "SQLAlchemy with asyncpg", ("DATABASE_ASYNC_URL",), _LIBPQ, requires=("ssl",), refuses=("sslmode",)
    ),
    ClientForm("Python", "django-environ", (*_DATABASES, "REDIS_URL"), _LIBPQ, _SQL_PATHS),
    ClientForm("Python", "redis-py", ("REDIS_URL", *_SENTINELS), _SSL, _REDIS_PATHS),
    ClientForm(
        "Python",
        "Celery",
        _CELERY,
        _SSL,
        _REDIS_PATHS,
        requires=("ssl_cert_reqs",),
        note="Its two variables win over the URLs of the program, and `REDIS_URL` would be refused. Over Sentinel no URL is enough, because the "
        "name of the master and TLS of the sentinels are options: `nexusdev env --for celery-sentinel` writes them.",
    ),
    ClientForm("Python", "boto3", _AWS, ("AWS_CA_BUNDLE",)),
    ClientForm("Python", "minio", _MINIO, _SSL),
    ClientForm("Python", "hvac", _VAULT, ("VAULT_CACERT",)),
    ClientForm("Python", "requests", ("PROMETHEUS_URL",), ("REQUESTS_CA_BUNDLE",)),
    ClientForm("Python", "httpx", ("PROMETHEUS_URL",), _SSL),
    ClientForm("Node", "fetch", ("PROMETHEUS_URL",), _NODE),
    ClientForm("Node", "pg", _DATABASES, _NODE, _SQL_PATHS),
    ClientForm("Node", "knex", _DATABASES, _NODE, _SQL_PATHS),
    ClientForm("Node", "ioredis", ("REDIS_URL", *_SENTINELS), _NODE, _REDIS_PATHS),
    ClientForm("Node", "@aws-sdk/client-s3", _AWS, _NODE),
    ClientForm("Node", "node-vault", _VAULT, _NODE),
    ClientForm("Go", "net/http", ("PROMETHEUS_URL",), _SSL),
    ClientForm("Go", "pgx", _DATABASES, _LIBPQ, _SQL_PATHS),
    ClientForm(
        "Go",
        "lib/pq",
        _DATABASES,
        _LIBPQ,
        _SQL_PATHS,
        note="From 1.12. Older versions panic with `setting PGSERVICEFILE not supported`: update it, or run the program with `env -u PGSERVICEFILE`.",
    ),
    ClientForm("Go", "go-redis", ("REDIS_URL", *_SENTINELS), _SSL, _REDIS_PATHS, refuses=_STRICT),
    ClientForm("Go", "minio-go", _MINIO, _SSL),
    ClientForm("Go", "vault/api", _VAULT, ("VAULT_CACERT",)),
    ClientForm("Java", "HttpClient", ("PROMETHEUS_URL",), _JAVA),
    ClientForm(
        "Java",
        "JDBC",
        ("JDBC_DATABASE_URL", "DATABASE_POOL_URL", "PGSERVICEFILE"),
        ("PGSERVICEFILE",),
        _SQL_PATHS,
        requires=("service",),
    ),
    ClientForm("Java", "Jedis", ("REDIS_URL", *_SENTINELS), _JAVA, _REDIS_PATHS),
    ClientForm(
        "Java",
        "Spring Boot",
        _SPRING,
        ("PGSERVICEFILE",),
        note="The variables configure the database. Redis needs the profile that `nexusdev env --for spring` writes.",
    ),
    ClientForm("Ruby", "net/http", ("PROMETHEUS_URL",), _SSL),
    ClientForm("Ruby", "pg", _DATABASES, _LIBPQ, _SQL_PATHS),
    ClientForm("Ruby", "redis", ("REDIS_URL", *_SENTINELS), _SSL, _REDIS_PATHS),
    ClientForm("command line", "psql", _DATABASES, _LIBPQ, _SQL_PATHS),
    ClientForm("command line", "redis-cli", ("REDIS_URL", *_SENTINELS), _SSL, _REDIS_PATHS),
    ClientForm("command line", "curl", ("VAULT_ADDR",), ("CURL_CA_BUNDLE",)),
    ClientForm("command line", "aws", _AWS, ("AWS_CA_BUNDLE",)),
    ClientForm("command line", "mc", _MINIO, _SSL),
    ClientForm(
        "command line",
        "rclone",
        ("nexusdev env --for rclone",),
        _SSL,
        note="It fails if `AWS_CA_BUNDLE` is set: `nexusdev run -- rclone …` leaves it out.",
    ),
    ClientForm("command line", "s3cmd", ("nexusdev env --for s3cmd",), ("NEXUSDEV_CA_FILE",)),
)
