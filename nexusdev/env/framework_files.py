"""Renders the variables as the file that one framework or tool reads. Pure; every file works without any variable of the shell.

Each file has sections, one per component. A section whose variables are missing (its component does not run) is left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pprint import pformat
from typing import NamedTuple
from urllib.parse import urlsplit

from nexusdev.env.file import SIGNATURE
from nexusdev.env.formats import Values


class FileSection(NamedTuple):
    """A section of a file.

    Attributes:
        needs: A variable of the component that it configures.
        render: Returns its text for the variables.
    """

    needs: str
    render: Callable[[Values], str]


class FrameworkFile(NamedTuple):
    """A configuration file of a framework or tool.

    Attributes:
        file: Its usual name.
        use: The command or line that loads it.
        sections: The sections of the file.
    """

    file: str
    use: str
    sections: tuple[FileSection, ...]


def render(name: str, values: Values, *, instance: str) -> str:
    """Return the file of a framework or tool; '' if no component that it needs has variables.

    Args:
        name: One of FRAMEWORKS.
        values: The variables, by name.
        instance: The instance's name, for the comment at the top.
    """
    framework = FRAMEWORKS[name]
    sections = [each.render(values) for each in framework.sections if each.needs in values]
    if not sections:
        return ""
    head = f"{SIGNATURE} for instance {instance} ({name}). Contains secrets: do not commit.\n# {framework.use}\n"
    return head + "\n".join(sections)


def _python(name: str, value: object) -> str:
    """Return an assignment."""
    return f"{name} = {pformat(value, width=120, sort_dicts=False)}\n"


def _with(url: str, **parameters: str) -> str:
    """Return the URL with these parameters instead of its own."""
    return f"{url.partition('?')[0]}?{'&'.join(f'{name}={value}' for name, value in parameters.items())}"


def _lines(values: Values, *names: str) -> str:
    return "".join(f"{name}={values[name]}\n" for name in names if name in values)


def _django_database(values: Values) -> str:
    tls = {"sslmode": "verify-full", "sslrootcert": values["PGSSLROOTCERT"]}
    login = {"HOST": "PGHOST", "PORT": "PGPORT", "NAME": "PGDATABASE", "USER": "PGUSER", "PASSWORD": "PGPASSWORD"}
    default = {"ENGINE": "django.db.backends.postgresql", **{key: values[name] for key, name in login.items()}}
    return (
        _python("DATABASES", {"default": {**default, "OPTIONS": tls}})
        + "\nimport sys as _sys\n\n"
        + "# migrate needs the owner of the tables, and test runners need a login that creates databases.\n"
        + '_command = "test" if "pytest" in _sys.modules else "".join(_sys.argv[1:2])\n'
        + _python("_logins", {"migrate": _login(values, "MIGRATION"), "test": _login(values, "TEST")})
        + 'DATABASES["default"].update(_logins.get(_command, {}))\n'
    )


def _login(values: Values, name: str) -> Mapping[str, str]:
    """Return what Django's settings have of one of the database URLs, without its address."""
    url = urlsplit(values[f"DATABASE_{name}_URL"])
    return {"NAME": url.path[1:], "USER": url.username or "", "PASSWORD": url.password or ""}


def _django_cache(values: Values) -> str:
    backend = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": values["REDIS_URL"]}
    return _python("CACHES", {"default": {**backend, "OPTIONS": {"ssl_ca_certs": values["NEXUSDEV_CA_FILE"]}}})


def _celery(values: Values) -> str:
    url = _with(values["REDIS_URL"], ssl_cert_reqs="required", ssl_ca_certs=values["NEXUSDEV_CA_FILE"])
    return _python("broker_url", url) + _python("result_backend", url)


def _celery_sentinel(values: Values) -> str:
    """Return the settings for broker and results. A URL cannot carry them: Celery reads the master's name and TLS from the options only."""
    login = {"username": values["REDIS_USERNAME"], "password": values["REDIS_PASSWORD"]}
    user = ":".join(login.values())
    url = ";".join(f"sentinel://{user}@{place}/0" for place in values["REDIS_SENTINELS"].split(","))
    tls = {"ssl_cert_reqs": "required", "ssl_ca_certs": values["NEXUSDEV_CA_FILE"]}
    sentinel = {**login, **tls, "ssl": True}
    return (
        "import os as _os\n\n"
        + "# Celery prefers these variables to this file.\n"
        + 'for _name in ("CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"):\n    _os.environ.pop(_name, None)\n\n'
        + _python("broker_url", url)
        + _python("broker_use_ssl", tls)
        + _python("broker_transport_options", {"master_name": values["REDIS_MASTER_NAME"], "sentinel_kwargs": sentinel})
        + "result_backend = broker_url\nredis_backend_use_ssl = broker_use_ssl\n"
        + "result_backend_transport_options = broker_transport_options\n"
    )


def _async_database(values: Values) -> str:
    return f"DATABASE_URL={values['DATABASE_ASYNC_URL']}\n" + _lines(values, "PGSSLROOTCERT")


def _java(values: Values) -> str:
    trust = {
        "javax.net.ssl.trustStore": values["NEXUSDEV_TRUST_STORE"],
        "javax.net.ssl.trustStoreType": "PKCS12",
        "javax.net.ssl.trustStorePassword": "changeit",
    }
    if "PGSERVICEFILE" in values:
        trust["org.postgresql.pgservicefile"] = values["PGSERVICEFILE"]
        trust["JDBC_DATABASE_URL"] = values["JDBC_DATABASE_URL"]
    if "REDIS_URL" in values:
        trust["REDIS_URL"] = values["REDIS_URL"]
    return "".join(f"-D{name}={value}\n" for name, value in trust.items())


def _spring_database(values: Values) -> str:
    address = f"{values['PGHOST']}:{values['PGPORT']}/{values['PGDATABASE']}"
    url = _with(f"jdbc:postgresql://{address}", sslmode="verify-full", sslrootcert=values["PGSSLROOTCERT"])
    login = {"username": values["PGUSER"], "password": values["PGPASSWORD"]}
    return "".join(f"spring.datasource.{name}={value}\n" for name, value in {"url": url, **login}.items())


def _spring_redis(values: Values) -> str:
    settings = {"host": "REDIS_HOST", "port": "REDIS_PORT", "username": "REDIS_USERNAME", "password": "REDIS_PASSWORD"}
    return (
        f"spring.ssl.bundle.pem.nexus.truststore.certificate=file:{values['NEXUSDEV_CA_FILE']}\n"
        + "".join(f"spring.data.redis.{key}={values[name]}\n" for key, name in settings.items())
        + "spring.data.redis.ssl.enabled=true\nspring.data.redis.ssl.bundle=nexus\n"
    )


def _rails(values: Values) -> str:
    environments = {"development": "DATABASE_URL", "test": "DATABASE_TEST_URL"}
    return "\n".join(
        f"{environment}:\n  adapter: postgresql\n  url: {json.dumps(values[url])}\n"
        f"  sslrootcert: {json.dumps(values['PGSSLROOTCERT'])}\n"
        for environment, url in environments.items()
    )


def _prisma(values: Values) -> str:
    """Return one URL for the client and two for the command line.

    The command line's engine takes ``sslmode=require`` with parameters of its own, and any other ``sslmode`` as optional TLS. The client connects
    through node-postgres, which reads ``sslmode`` and ``sslrootcert`` as libpq does.
    """
    ca = values["PGSSLROOTCERT"]
    engine = {"sslaccept": "strict", "sslcert": ca}
    client = _with(values["DATABASE_URL"], sslmode="verify-full", sslrootcert=ca, **engine)
    tools = {"DIRECT_URL": "DATABASE_MIGRATION_URL", "SHADOW_DATABASE_URL": "DATABASE_TEST_URL"}
    return f'DATABASE_URL="{client}"\n' + "".join(
        f'{name}="{_with(values[source], sslmode="require", **engine)}"\n' for name, source in tools.items()
    )


def _rclone(values: Values) -> str:
    settings = {
        "type": "s3",
        "provider": "Minio",
        "env_auth": "false",
        "access_key_id": values["AWS_ACCESS_KEY_ID"],
        "secret_access_key": values["AWS_SECRET_ACCESS_KEY"],
        "endpoint": values["AWS_ENDPOINT_URL_S3"],
        "region": values["AWS_REGION"],
    }
    return f"# the CA: --ca-cert {values['NEXUSDEV_CA_FILE']}\n[nexus]\n" + _section(settings)


def _s3cmd(values: Values) -> str:
    settings = {
        "access_key": values["AWS_ACCESS_KEY_ID"],
        "secret_key": values["AWS_SECRET_ACCESS_KEY"],
        "host_base": values["MINIO_ENDPOINT"],
        "host_bucket": values["MINIO_ENDPOINT"],  # without the bucket, which is a part of the path
        "bucket_location": values["AWS_REGION"],
        "use_https": "True",
        "check_ssl_certificate": "True",
        "ca_certs_file": values["NEXUSDEV_CA_FILE"],
    }
    return "[default]\n" + _section(settings)


def _section(settings: Values) -> str:
    return "".join(f"{name} = {value}\n" for name, value in settings.items())


_DATABASES = ("DATABASE_URL", "DATABASE_RO_URL", "DATABASE_POOL_URL", "DATABASE_MIGRATION_URL", "PGSSLROOTCERT")
_REDIS = ("REDIS_URL", "REDIS_SENTINELS", "REDIS_MASTER_NAME", "REDIS_USERNAME", "REDIS_PASSWORD")
_S3 = ("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_CA_BUNDLE")
_VAULT = ("VAULT_ADDR", "VAULT_TOKEN", "VAULT_CACERT")


def _listed(*names: str) -> FileSection:
    return FileSection(names[0], lambda values: _lines(values, *names))


FRAMEWORKS: Mapping[str, FrameworkFile] = {
    "django": FrameworkFile(
        "nexusdev_settings.py",
        "in settings.py: from nexusdev_settings import *",
        (FileSection("DATABASE_URL", _django_database), FileSection("REDIS_URL", _django_cache)),
    ),
    "celery": FrameworkFile(
        "celeryconfig.py",
        'app.config_from_object("celeryconfig")',
        (FileSection("REDIS_URL", _celery),),
    ),
    "celery-sentinel": FrameworkFile(
        "celeryconfig.py",
        'app.config_from_object("celeryconfig")',
        (FileSection("REDIS_SENTINELS", _celery_sentinel),),
    ),
    "sqlalchemy-async": FrameworkFile(
        ".env", 'create_async_engine(os.environ["DATABASE_URL"])', (FileSection("DATABASE_ASYNC_URL", _async_database),)
    ),
    "node": FrameworkFile(
        ".env",
        "node --env-file=.env app.js",
        (
            *(_listed(*each) for each in (_DATABASES, _REDIS, _S3, _VAULT)),
            _listed("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "NODE_OPTIONS"),
        ),
    ),
    "go": FrameworkFile(
        ".env",
        "set -a; . ./.env; set +a; go run .",
        (*(_listed(*each) for each in (_DATABASES, _REDIS, _S3, _VAULT)), _listed("SSL_CERT_FILE")),
    ),
    "java": FrameworkFile(
        "java.options", "java @java.options -jar app.jar", (FileSection("NEXUSDEV_TRUST_STORE", _java),)
    ),
    "spring": FrameworkFile(
        "application-nexusdev.properties",
        "SPRING_PROFILES_ACTIVE=nexusdev",
        (FileSection("DATABASE_URL", _spring_database), FileSection("REDIS_URL", _spring_redis)),
    ),
    "rails": FrameworkFile("config/database.yml", "bin/rails server", (FileSection("DATABASE_URL", _rails),)),
    "prisma": FrameworkFile(
        ".env",
        "prisma.config.ts: datasource.url = DIRECT_URL; the client's adapter: DATABASE_URL",
        (FileSection("DATABASE_URL", _prisma),),
    ),
    "rclone": FrameworkFile(
        "rclone.conf",
        "env -u AWS_CA_BUNDLE rclone --config rclone.conf lsd nexus:",
        (FileSection("MINIO_ENDPOINT", _rclone),),
    ),
    "s3cmd": FrameworkFile("s3cfg", "s3cmd -c s3cfg ls", (FileSection("MINIO_ENDPOINT", _s3cmd),)),
}
