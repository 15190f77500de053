"""What applications read about Redis, from both sides."""

from __future__ import annotations

import re

from nexusdev.components.contract import Consumer
from nexusdev.components.redis.component import create
from nexusdev.interfaces import View
from tests.unit.components.redis.world import World

COMPONENT = create({})

PLAIN = re.compile(r"[A-Za-z0-9:/@.,?=_%+-]*")


def values_of(redis: World, view: View) -> dict[str, str]:
    return {each.name: each.value for each in COMPONENT.variables(redis.access, view)}


def test_the_host_view_uses_loopback_and_the_relay_ports(redis: World) -> None:
    values = values_of(redis, View.HOST)
    master = redis.addresses["redis-master", 6379]
    assert (values["REDIS_HOST"], values["REDIS_PORT"]) == ("127.0.0.1", str(master.port))
    assert values["REDIS_SENTINELS"] == ",".join(str(redis.addresses["sentinel-relay", 26380 + n]) for n in range(3))
    assert values["REDIS_URL"] == f"rediss://nexus_app:appPassword@{master}/0"


def test_the_container_view_uses_production_names(redis: World) -> None:
    values = values_of(redis, View.CONTAINER)
    assert (values["REDIS_HOST"], values["REDIS_PORT"]) == ("redis-master", "6379")
    assert values["REDIS_SENTINELS"] == "sentinel-0:26379,sentinel-1:26379,sentinel-2:26379"
    assert values["REDIS_URL"].startswith("rediss://nexus_app:appPassword@redis-master:6379/0")


def test_no_value_needs_quoting(redis: World) -> None:
    assert all(PLAIN.fullmatch(value) for view in View for value in values_of(redis, view).values())


def test_celery_urls_have_the_required_tls_parameter(redis: World) -> None:
    values = values_of(redis, View.HOST)
    assert (
        values["CELERY_BROKER_URL"]
        == values["CELERY_RESULT_BACKEND"]
        == f"{values['REDIS_URL']}?ssl_cert_reqs=required"
    )


def test_passwords_are_marked_as_secrets(redis: World) -> None:
    assert {each.name for each in COMPONENT.variables(redis.access, View.HOST) if each.secret} == {
        "REDIS_PASSWORD",
        "REDIS_URL",
        "CELERY_BROKER_URL",
        "CELERY_RESULT_BACKEND",
    }


def test_vault_stores_the_container_view(redis: World) -> None:
    assert COMPONENT.credentials(redis.access)[Consumer.APPLICATION] == {
        "host": "redis-master",
        "port": "6379",
        "username": "nexus_app",
        "password": "appPassword",
        "sentinels": "sentinel-0:26379,sentinel-1:26379,sentinel-2:26379",
        "master_name": "nexus",
    }


def test_the_client_runs_in_a_server_without_a_password_in_its_arguments() -> None:
    client = COMPONENT.client(["GET", "greeting"])
    assert client is not None
    assert (client.group, client.argv) == ("redis", ("bash", "/opt/nexus/client.sh", "GET", "greeting"))
