"""What the fixtures give: addresses and logins of one test, and clients that use them.

pytest prints the arguments of a failed test, so no repr here has a password, a key or a token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl

    import hvac
    import minio
    import psycopg
    import redis
    import redis.asyncio


class ConcealedVariables(dict[str, str]):
    """Variables by name. The repr has the names alone."""

    def __repr__(self) -> str:
        return f"<{len(self)} variables: {', '.join(sorted(self))}>"


@dataclass(frozen=True, kw_only=True)
class PostgresDatabase:
    """A database of one test and the login that owns it.

    Attributes:
        name: Name of the database, and of its role.
        url: libpq's URL of the primary; needs ``PGSSLROOTCERT`` or ``sslrootcert`` (``connect`` passes it).
        ro_url: The same on a replica: read-only, and a moment behind.
        pool_url: The same through PgBouncer, in transaction mode.
        async_url: The URL for SQLAlchemy with asyncpg.
        ca_file: The certificate authority that signed the servers' certificates.
        variables: All variables of PostgreSQL, pointed at this database: name → value.
    """

    name: str
    url: str = field(repr=False)
    ro_url: str = field(repr=False)
    pool_url: str = field(repr=False)
    async_url: str = field(repr=False)
    ca_file: str
    variables: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> PostgresDatabase:
        """Return the database of a lease's variables."""
        return cls(
            name=variables["PGDATABASE"],
            url=variables["DATABASE_URL"],
            ro_url=variables["DATABASE_RO_URL"],
            pool_url=variables["DATABASE_POOL_URL"],
            async_url=variables["DATABASE_ASYNC_URL"],
            ca_file=variables["PGSSLROOTCERT"],
            variables=variables,
        )

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        """Connect to the primary with psycopg. ``options`` are those of ``psycopg.connect``."""
        import psycopg

        return psycopg.connect(self.url, **{"sslrootcert": self.ca_file, **options})

    async def connect_async(self, **options: Any) -> psycopg.AsyncConnection[Any]:
        """Connect to the primary with psycopg's asynchronous connection. ``options`` are those of ``connect``."""
        import psycopg

        return await psycopg.AsyncConnection.connect(self.url, **{"sslrootcert": self.ca_file, **options})

    def engine(self, **options: Any) -> Any:
        """Return an engine of SQLAlchemy with psycopg. ``options`` are those of ``sqlalchemy.create_engine``.

        Connections that it keeps do not delay the removal of the database.
        """
        from sqlalchemy import create_engine

        arguments = {"sslrootcert": self.ca_file, **options.pop("connect_args", {})}
        return create_engine(
            self.url.replace("postgresql:", "postgresql+psycopg:", 1), connect_args=arguments, **options
        )

    def async_engine(self, **options: Any) -> Any:
        """Return an asynchronous engine of SQLAlchemy with asyncpg. ``options`` are those of ``sqlalchemy.ext.asyncio.create_async_engine``."""
        from sqlalchemy.ext.asyncio import create_async_engine

        arguments = {"ssl": self._tls(), **options.pop("connect_args", {})}
        return create_async_engine(self.async_url.partition("?")[0], connect_args=arguments, **options)

    @property
    def django(self) -> Mapping[str, Any]:
        """What ``connection.settings_dict`` of Django needs. Its test database is this one, not another one beside it."""
        return {
            "NAME": self.name,
            "USER": self.variables["PGUSER"],
            "PASSWORD": self.variables["PGPASSWORD"],
            "HOST": self.variables["PGHOST"],
            "PORT": self.variables["PGPORT"],
            "OPTIONS": {"sslmode": "verify-full", "sslrootcert": self.ca_file},
            "TEST": {"NAME": self.name, "MIRROR": None, "CHARSET": None, "COLLATION": None, "MIGRATE": True},
        }

    def _tls(self) -> ssl.SSLContext:
        import ssl

        return ssl.create_default_context(cafile=self.ca_file)


@dataclass(frozen=True, kw_only=True)
class RedisUser:
    """A Redis user that sees only keys and channels with its prefix.

    Attributes:
        url: URL with user and password.
        prefix: What every key and channel begins with.
        ca_file: The certificate authority that signed the servers' certificates.
        variables: All variables of Redis, pointed at this user: name → value.
    """

    url: str = field(repr=False)
    prefix: str
    ca_file: str
    variables: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, variables: Mapping[str, str], ca_file: str) -> RedisUser:
        """Return the user of a lease's variables."""
        url, prefix = variables["REDIS_URL"], variables["REDIS_KEY_PREFIX"]
        return cls(url=url, prefix=prefix, ca_file=ca_file, variables=variables)

    @property
    def celery(self) -> Mapping[str, Any]:
        """The configuration of Celery whose queues and results have the prefix: for the fixture ``celery_config``."""
        options = {"global_keyprefix": self.prefix}
        return {
            "broker_url": self.variables["CELERY_BROKER_URL"],
            "broker_transport_options": options,
            "result_backend": self.variables["CELERY_RESULT_BACKEND"],
            "result_backend_transport_options": options,
        }

    def key(self, name: str) -> str:
        """Return the full name of a key or channel."""
        return f"{self.prefix}{name}"

    def client(self, **options: Any) -> redis.Redis:
        """Return a client of the master. ``options`` are those of ``redis.Redis.from_url``."""
        import redis

        return redis.Redis.from_url(self.url, **{"ssl_ca_certs": self.ca_file, **options})

    def async_client(self, **options: Any) -> redis.asyncio.Redis:
        """Return an asynchronous client. ``options`` are those of ``client``."""
        import redis.asyncio

        return redis.asyncio.Redis.from_url(self.url, **{"ssl_ca_certs": self.ca_file, **options})


@dataclass(frozen=True, kw_only=True)
class S3Bucket:
    """A bucket, and a key that sees only it and buckets whose names begin with its name and two dashes.

    Attributes:
        bucket: Name of the bucket.
        endpoint: host:port of the servers.
        access_key: The key.
        secret_key: Its secret.
        region: The region.
        ca_file: The certificate authority that signed the servers' certificates.
        variables: All variables of MinIO, pointed at this bucket: name → value.
    """

    bucket: str
    endpoint: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    region: str
    ca_file: str
    variables: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, variables: Mapping[str, str], ca_file: str) -> S3Bucket:
        """Return the bucket of a lease's variables."""
        return cls(
            bucket=variables["S3_BUCKET"],
            endpoint=variables["MINIO_ENDPOINT"],
            access_key=variables["MINIO_ACCESS_KEY"],
            secret_key=variables["MINIO_SECRET_KEY"],
            region=variables["AWS_REGION"],
            ca_file=ca_file,
            variables=variables,
        )

    @property
    def boto3(self) -> Mapping[str, str]:
        """The arguments of ``boto3.client("s3", …)``."""
        return {
            "endpoint_url": f"https://{self.endpoint}",
            "aws_access_key_id": self.access_key,
            "aws_secret_access_key": self.secret_key,
            "region_name": self.region,
            "verify": self.ca_file,
        }

    def client(self) -> minio.Minio:
        """Return a client of the ``minio`` package."""
        import minio
        import urllib3

        return minio.Minio(
            self.endpoint,
            access_key=self.access_key,
            secret_key=self.secret_key,
            region=self.region,
            http_client=urllib3.PoolManager(ca_certs=self.ca_file),
        )


@dataclass(frozen=True, kw_only=True)
class VaultFolder:
    """A folder below ``secret/``, and a token that sees only it.

    Attributes:
        address: URL of Vault.
        token: The token.
        prefix: The folder, with a slash at its end.
        ca_file: The certificate authority that signed the servers' certificates.
        variables: All variables of Vault, pointed at this folder: name → value.
    """

    address: str
    token: str = field(repr=False)
    prefix: str
    ca_file: str
    variables: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> VaultFolder:
        """Return the folder of a lease's variables."""
        return cls(
            address=variables["VAULT_ADDR"],
            token=variables["VAULT_TOKEN"],
            prefix=variables["VAULT_KV_PREFIX"],
            ca_file=variables["VAULT_CACERT"],
            variables=variables,
        )

    def path(self, name: str) -> str:
        """Return the full path of a secret below ``secret/``."""
        return f"{self.prefix}{name}"

    def client(self) -> hvac.Client:
        """Return a client of the ``hvac`` package."""
        import hvac

        return hvac.Client(url=self.address, token=self.token, verify=self.ca_file)
