"""The file of each framework or tool: what its reader expects, complete without any variable of the shell."""

from __future__ import annotations

import configparser
import os
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from dotenv import dotenv_values

from nexusdev.components.contract import Variable
from nexusdev.env.framework_files import FRAMEWORKS, render
from nexusdev.errors import InvalidConfig, UsageError
from nexusdev.operations.env import for_framework
from nexusdev.operations.up import up
from tests.fakes import House
from tests.unit.components.test_registry import anywhere
from tests.unit.env.test_client_forms import every_variable
from tests.unit.operations.test_env import Spoken

VALUES = every_variable(anywhere())


def dotenv(tmp_path: Path, name: str) -> dict[str, str]:
    file = tmp_path / ".env"
    file.write_text(render(name, VALUES, instance="shop"))
    return {name: value or "" for name, value in dotenv_values(file).items()}


def sections(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read_string(render(name, VALUES, instance="shop"))
    return parser


def properties(name: str) -> dict[str, str]:
    lines = [line for line in render(name, VALUES, instance="shop").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def executed(name: str) -> dict[str, object]:
    """The settings of a Python file."""
    found: dict[str, object] = {}
    exec(render(name, VALUES, instance="shop"), found)
    return found


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_every_file_names_its_writer_and_its_use(name: str) -> None:
    head, use, *_ = render(name, VALUES, instance="shop").splitlines()
    assert head == f"# Written by nexusdev for instance shop ({name}). Contains secrets: do not commit."
    assert use == f"# {FRAMEWORKS[name].use}"


def test_django_has_a_database_and_a_cache() -> None:
    found = executed("django")
    assert found["DATABASES"]["default"]["OPTIONS"]["sslmode"] == "verify-full"  # type: ignore[index]
    assert VALUES["PGPASSWORD"] in render("django", VALUES, instance="shop")
    assert found["CACHES"]["default"]["LOCATION"] == VALUES["REDIS_URL"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("command", "user", "database"),
    [
        ("runserver", "nexus_app", "nexus_architect"),
        ("migrate", "nexus_owner", "nexus_architect"),
        ("test", "nexus_test", "nexus_test"),
    ],
)
def test_django_uses_the_login_of_the_command(
    monkeypatch: pytest.MonkeyPatch, command: str, user: str, database: str
) -> None:
    monkeypatch.setattr("sys.argv", ["manage.py", command])
    monkeypatch.delitem(sys.modules, "pytest")
    default = executed("django")["DATABASES"]["default"]  # type: ignore[index]
    assert (default["USER"], default["NAME"]) == (user, database)


def test_django_logs_in_for_tests_below_pytest() -> None:
    assert executed("django")["DATABASES"]["default"]["USER"] == "nexus_test"  # type: ignore[index]


def test_celery_has_a_broker_and_a_backend() -> None:
    found = executed("celery")
    assert found["broker_url"] == found["result_backend"]
    assert parse_qs(urlsplit(str(found["broker_url"])).query).keys() == {"ssl_cert_reqs", "ssl_ca_certs"}


def test_celery_finds_the_master_by_the_sentinels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", VALUES["CELERY_BROKER_URL"])
    found = executed("celery-sentinel")
    urls = [urlsplit(each) for each in str(found["broker_url"]).split(";")]
    assert ",".join(f"{each.hostname}:{each.port}" for each in urls) == VALUES["REDIS_SENTINELS"]
    assert {(each.scheme, each.username) for each in urls} == {("sentinel", "nexus_app")}
    options = found["result_backend_transport_options"]
    assert options["master_name"] == VALUES["REDIS_MASTER_NAME"]  # type: ignore[index]
    assert found["redis_backend_use_ssl"]["ssl_ca_certs"] == VALUES["NEXUSDEV_CA_FILE"]  # type: ignore[index]
    assert "CELERY_BROKER_URL" not in os.environ


def test_a_spring_profile_has_the_database_and_redis() -> None:
    found = properties("spring")
    assert found["spring.datasource.url"].endswith(f"?sslmode=verify-full&sslrootcert={VALUES['PGSSLROOTCERT']}")
    assert found["spring.data.redis.ssl.enabled"] == "true"


def test_java_options_name_the_trust_store_and_the_services() -> None:
    found = properties("java")
    assert found["-Djavax.net.ssl.trustStore"] == VALUES["NEXUSDEV_TRUST_STORE"]
    assert found["-Dorg.postgresql.pgservicefile"] == VALUES["PGSERVICEFILE"]
    assert found["-DREDIS_URL"] == VALUES["REDIS_URL"]


def test_prisma_has_its_supported_parameters(tmp_path: Path) -> None:
    found = dotenv(tmp_path, "prisma")
    ca = [VALUES["PGSSLROOTCERT"]]
    engine = {"sslaccept": ["strict"], "sslcert": ca}
    client = {"sslmode": ["verify-full"], "sslrootcert": ca, **engine}
    assert parse_qs(urlsplit(found["DATABASE_URL"]).query) == client
    for name, user in (("DIRECT_URL", "nexus_owner"), ("SHADOW_DATABASE_URL", "nexus_test")):
        assert urlsplit(found[name]).username == user
        assert parse_qs(urlsplit(found[name]).query) == {"sslmode": ["require"], **engine}


@pytest.mark.parametrize("name", ["node", "go", "sqlalchemy-async"])
def test_env_files_have_the_url_of_the_database(tmp_path: Path, name: str) -> None:
    found = dotenv(tmp_path, name)
    assert found["DATABASE_URL"] == VALUES["DATABASE_ASYNC_URL" if name == "sqlalchemy-async" else "DATABASE_URL"]
    assert ("NODE_OPTIONS" in found) == (name == "node")


def test_tools_for_buckets_have_the_endpoint_and_the_ca() -> None:
    assert sections("rclone")["nexus"]["endpoint"] == VALUES["AWS_ENDPOINT_URL_S3"]
    assert f"--ca-cert {VALUES['NEXUSDEV_CA_FILE']}" in render("rclone", VALUES, instance="shop")
    assert sections("s3cmd")["default"]["ca_certs_file"] == VALUES["NEXUSDEV_CA_FILE"]


def test_a_database_configuration_of_rails_is_yaml() -> None:
    import yaml

    found = yaml.safe_load(render("rails", VALUES, instance="shop"))
    for environment, url in (("development", "DATABASE_URL"), ("test", "DATABASE_TEST_URL")):
        assert found[environment]["url"] == VALUES[url]
        assert found[environment]["sslrootcert"] == VALUES["PGSSLROOTCERT"]


def test_components_that_do_not_run_are_left_out() -> None:
    values = {name: value for name, value in VALUES.items() if not name.startswith(("DATABASE_", "PG"))}
    assert "DATABASES" not in render("django", values, instance="shop")
    assert "CACHES" in render("django", values, instance="shop")
    assert render("rails", values, instance="shop") == ""


class TestCommand:
    """``nexusdev env --for``."""

    @pytest.fixture
    def running(self, house: House) -> House:
        names = [each for each in VALUES if each.startswith(("MINIO_", "AWS_"))]
        house.redis = Spoken(name="redis", says=[Variable(name=each, value=VALUES[each]) for each in names])
        up(house.context())
        return house

    @pytest.fixture
    def house(self, tmp_path: Path) -> House:
        return House(folder=tmp_path)

    def test_it_returns_the_file(self, running: House) -> None:
        text = for_framework(running.context(), "s3cmd", proof=False).text
        assert f"host_base = {VALUES['MINIO_ENDPOINT']}\n" in text

    def test_it_writes_the_file_for_its_owner_only(self, running: House) -> None:
        file = running.project / "rclone.conf"
        assert for_framework(running.context(), "rclone", proof=False, output=file).file_changed
        assert not for_framework(running.context(), "rclone", proof=False, output=file).file_changed
        assert file.stat().st_mode & 0o777 == 0o600

    def test_it_does_not_overwrite_foreign_files(self, running: House) -> None:
        (running.project / "rclone.conf").write_text("[mine]\n")
        with pytest.raises(InvalidConfig, match="was not written by nexusdev"):
            for_framework(running.context(), "rclone", proof=False, output=running.project / "rclone.conf")

    def test_an_unknown_framework_suggests_the_nearest(self, running: House) -> None:
        with pytest.raises(UsageError) as raised:
            for_framework(running.context(), "djano")
        assert raised.value.message == "unknown framework 'djano'"
        assert raised.value.hint == "--for django"

    def test_output_requires_a_framework(self, running: House) -> None:
        ran = running.type("env", "--output", "x")
        assert (ran.status, "--output needs --for" in ran.err) == (2, True)

    def test_the_help_names_every_framework(self) -> None:
        from nexusdev.cli import options

        assert ", ".join(FRAMEWORKS) == options.FRAMEWORKS
