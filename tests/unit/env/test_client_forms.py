"""The table of clients agrees with the variables, and each strict parser that is installed here takes its form."""

from __future__ import annotations

import ssl
from urllib.parse import parse_qs, urlsplit

import pytest

from nexusdev.deploy.client_files import own_variables
from nexusdev.env.client_forms import FORMS, PATHS, ClientForm
from nexusdev.env.formats import checked
from nexusdev.env.framework_files import FRAMEWORKS
from nexusdev.interfaces import InstanceAccess, View
from tests.unit.components.test_registry import ALL, anywhere


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    return every_variable(anywhere())


def every_variable(access: InstanceAccess) -> dict[str, str]:
    found = [each for component in ALL.values() for each in component.variables(access, View.HOST)]
    return {each.name: each.value for each in (*found, *own_variables(access, View.HOST))}


def clients(form: ClientForm) -> str:
    return f"{form.language} {form.client}"


@pytest.mark.parametrize("form", FORMS, ids=clients)
def test_the_env_file_has_the_variables_that_each_client_reads(form: ClientForm, variables: dict[str, str]) -> None:
    for name in (*form.reads, *form.trust):
        assert name in variables or name.removeprefix("nexusdev env --for ") in FRAMEWORKS, name
    assert set(form.paths) <= set(PATHS)


@pytest.mark.parametrize("form", FORMS, ids=clients)
def test_a_url_has_the_parameters_that_its_client_requires(form: ClientForm, variables: dict[str, str]) -> None:
    url = variables.get(form.reads[0], "")
    parameters = parse_qs(urlsplit(url.removeprefix("jdbc:")).query)
    assert set(form.requires) <= parameters.keys()
    assert not set(form.refuses) & parameters.keys()


def test_no_client_form_needs_quotes(variables: dict[str, str]) -> None:
    assert checked(variables) == variables


def test_redis_py_accepts_the_urls(variables: dict[str, str]) -> None:
    import redis

    for name in ("REDIS_URL", "CELERY_BROKER_URL"):
        pool = redis.ConnectionPool.from_url(variables[name])
        assert pool.connection_class is redis.SSLConnection
        assert vars(pool.make_connection())["cert_reqs"] == ssl.CERT_REQUIRED


def test_psycopg_accepts_the_urls(variables: dict[str, str]) -> None:
    from psycopg.conninfo import conninfo_to_dict

    for name in ("DATABASE_URL", "DATABASE_RO_URL", "DATABASE_POOL_URL", "DATABASE_MIGRATION_URL"):
        assert conninfo_to_dict(variables[name])["sslmode"] == "verify-full"
