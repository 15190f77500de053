"""urls and open: what can be looked at, by the names that people use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from nexusdev.components.component_set import ComponentSet
from nexusdev.components.contract import Variable
from nexusdev.errors import NotFound, UsageError
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.operations.up import up
from nexusdev.operations.urls import open_page, pages, plain, urls
from tests.fakes import COMPOSE, FakeComponent, House

ALL = ComponentSet()


def test_urls_have_no_password(house: House) -> None:
    assert (
        plain("postgresql://nexus_app:pw@127.0.0.1:21032/db?sslmode=x") == "postgresql://127.0.0.1:21032/db?sslmode=x"
    )
    assert plain("https://127.0.0.1:1/ui@x") == "https://127.0.0.1:1/ui@x"
    up(house.context())
    assert urls(house.context()).urls == {}


def test_an_unknown_page_suggests_the_nearest(house: House) -> None:
    house.more = watched()
    with pytest.raises(UsageError, match="unknown page grafna") as raised:
        open_page(house.context(), "grafna", show=lambda _url: True)
    assert (raised.value.why, raised.value.hint) == ("did you mean grafana?", "nexusdev open grafana")


def test_a_page_of_a_stopped_component_has_a_hint(house: House) -> None:
    house.more = watched()
    up(house.context())
    assert pages(house.context()) == {}
    with pytest.raises(NotFound, match="grafana is not running") as raised:
        open_page(house.context(), "grafana", show=lambda _url: True)
    assert raised.value.hint.startswith("nexusdev up monitoring")


WATCHED = """  gateway-ro:
    image: ${NEXUS_IMAGE_HAPROXY}
    x-nexusdev: {component: gateway}
    entrypoint: [serve]
    networks: {nexus: {ipv4_address: "${NEXUS_NET:-10.213.0}.11", aliases: [prometheus, alertmanager, grafana, minio-api]}}
    ports: ["127.0.0.1:${NEXUS_PORTS}51:9093", "127.0.0.1:${NEXUS_PORTS}91:9001"]
  watcher:
    image: ${NEXUS_IMAGE_HAPROXY}
    x-nexusdev: {component: monitoring}
    entrypoint: [serve]
    networks: {nexus: {ipv4_address: "${NEXUS_NET:-10.213.0}.70"}}
  store:
    image: ${NEXUS_IMAGE_HAPROXY}
    x-nexusdev: {component: minio}
    entrypoint: [serve]
    networks: {nexus: {ipv4_address: "${NEXUS_NET:-10.213.0}.71"}}
secrets:
"""


@dataclass(kw_only=True)
class Told(FakeComponent):
    """A component with these variables."""

    values: Mapping[str, str] = field(default_factory=dict)

    def variables(self, access: InstanceAccess, view: View) -> Sequence[Variable]:
        return [Variable(name=name, value=value) for name, value in self.values.items()]


def watched() -> tuple[FakeComponent, ...]:
    """Monitoring and the store, with the pages that they have."""
    return tuple(FakeComponent(name=name, links=ALL[name].links) for name in ("monitoring", "minio"))


def test_every_page_opens_by_its_name(house: House) -> None:
    urls_of = {"PROMETHEUS_URL": "https://127.0.0.1:1", "GRAFANA_URL": "https://127.0.0.1:2/"}
    house.more = (
        Told(name="monitoring", values=urls_of, links=ALL["monitoring"].links),
        Told(
            name="minio",
            values={"VAULT_ADDR": "https://127.0.0.1:3"},
            links=(*ALL["minio"].links, *ALL["vault"].links),
        ),
    )
    (house.folder / "compose" / "stack.yaml").write_text(COMPOSE.replace("secrets:\n", WATCHED))
    up(house.context())
    instance = house.context().instance()
    assert pages(house.context()) == {
        "vault": "https://127.0.0.1:3/ui/",
        "prometheus": "https://127.0.0.1:1/",
        "grafana": "https://127.0.0.1:2/",
        "minio": f"https://127.0.0.1:{instance.port(91)}/",
        "alertmanager": f"https://127.0.0.1:{instance.port(51)}/",
    }
    assert set(urls(house.context()).urls) == {"vault", "prometheus", "grafana", "minio", "alertmanager"}
    for name in pages(house.context()):
        assert open_page(house.context(), name, show=lambda _url: True).opened is True


def test_pages_of_unstarted_components_are_hidden(house: House) -> None:
    house.more = watched()
    (house.folder / "compose" / "stack.yaml").write_text(COMPOSE.replace("secrets:\n", WATCHED))
    up(house.context(), ["minio"])
    assert list(pages(house.context())) == ["minio"]


def test_a_page_of_an_omitted_optional_server_is_reported(house: House) -> None:
    house.more = watched()
    optional = WATCHED.replace("  watcher:", "  grafana:").replace(
        "component: monitoring}", "component: monitoring, optional: true}"
    )
    (house.folder / "compose" / "stack.yaml").write_text(
        COMPOSE.replace("secrets:\n", optional.replace(", grafana, ", ", "))
    )
    up(house.context())
    with pytest.raises(NotFound, match="grafana is not running") as raised:
        open_page(house.context(), "grafana")
    assert raised.value.why.startswith("it is optional")
    assert raised.value.hint.startswith("nexusdev up --strict")
