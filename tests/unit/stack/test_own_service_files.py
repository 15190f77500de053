"""The project's own files: what they may say, what they get, and what is said of each mistake, with file, line and key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nexusdev.errors import InvalidConfig
from nexusdev.stack.fingerprint import fingerprints
from nexusdev.stack.loader import load
from nexusdev.stack.model import Allocations, ReadyCheck, Scrape, Service, ServiceBuild, Stack
from nexusdev.stack.schema import OWN_PLACES, OWN_REFUSED, PLACES, REFUSED
from tests.unit.stack.conftest import Files
from tests.unit.stack.test_schema import tables

PAGE = Path(__file__).parents[3] / "docs" / "own-services.md"
PLATFORM = """\
name: nexusdev
networks:
  nexus: {ipam: {config: [{subnet: "10.213.0.0/24"}]}}
volumes: {db-0: }
secrets:
  db-password: {file: "${NEXUS_STATE}/secrets/db-password", x-nexusdev: {password: 32}}
services:
  db-0:
    image: db:1
    networks: {nexus: {ipv4_address: 10.213.0.30, aliases: [db-primary]}}
    ports: ["127.0.0.1:21040:5432"]
    volumes: [db-0:/data]
    x-nexusdev: {component: db}
"""
GOOD = """\
x-common: &common
  restart: unless-stopped
services:
  api:
    <<: *common
    build: {context: ./api, target: prod, args: {BASE: python}}
    ports: ["8000", 9000, "127.0.0.1:8080:80"]
    depends_on: {db: {condition: service_healthy}, worker: {condition: service_started}}
    networks: {nexus: {aliases: [gateway]}}
    environment: {STATE: "${NEXUS_STATE}"}
    x-nexusdev:
      env: true
      ready: {http: {port: 8000, path: /health, tls: true}}
      scrape: {port: 9000}
  worker:
    image: registry:5000/team/worker
    networks: [nexus]
    volumes: [jobs:/jobs]
    secrets: [token]
volumes:
  jobs:
secrets:
  token: {file: "${NEXUS_STATE}/secrets/own-token", x-nexusdev: {password: 32}}
"""


def joined(files: Files, text: str = GOOD, *, allocations: Allocations | None = None) -> Stack:
    """The platform with one own file."""
    files.write("api/Dockerfile", "FROM python\n")
    own = files.write("compose.dev.yaml", text)
    state = str(files.folder / "state")
    environment = {"NEXUS_STATE": state, "NEXUS_PORTS": "211", "NEXUS_UID": "7", "NEXUS_GID": "8"}
    return load(files.write("stack.yaml", PLATFORM), environment, include=[own], allocations=allocations)


def service(files: Files, name: str, text: str = GOOD) -> Service:
    return joined(files, text).services[name]


def test_own_services_come_after_the_platform(files: Files) -> None:
    stack = joined(files)
    assert stack.components == ("db", "api", "worker")
    assert [each.name for each in stack.own] == ["api", "worker"]
    assert stack.made_of[-1] == files.folder / "compose.dev.yaml"


def test_address_and_host_ports_are_chosen(files: Files) -> None:
    api = service(files, "api")
    assert api.address == "10.213.0.150"
    assert [(port.host, port.container) for port in api.ports] == [(21112, 8000), (21113, 9000), (8080, 80)]
    assert api.aliases == ("gateway",)


def test_allocated_numbers_are_kept(files: Files) -> None:
    stack = joined(files, allocations=Allocations(addresses={"worker": 0, "gone": 1}, ports={"api:9000": 12}))
    assert [each.address[-3:] for each in stack.own] == ["152", "150"]
    assert [port.host for port in stack.services["api"].ports] == [21113, 21112, 8080]
    assert stack.allocations == Allocations(addresses={"api": 2, "worker": 0}, ports={"api:8000": 13, "api:9000": 12})


def test_declared_keys_are_loaded(files: Files) -> None:
    api, worker = service(files, "api").own, service(files, "worker").own
    assert api is not None
    assert worker is not None
    assert api.ready == ReadyCheck(kind="http", port=8000, path="/health", tls=True)
    assert (api.needs, api.after, api.env, api.trust) == (("db",), ("worker",), True, True)
    assert api.scrape == Scrape(port=9000)
    assert api.build == ServiceBuild(folder=files.folder / "api", target="prod", args={"BASE": "python"})
    assert worker.ready == ReadyCheck()
    assert service(files, "api").restart == "unless-stopped"
    assert service(files, "api").environment == {"STATE": str(files.folder / "state")}


@pytest.mark.parametrize(
    ("written", "reference"),
    [
        ("worker", "worker:latest"),
        ("registry:5000/team/worker", "registry:5000/team/worker:latest"),
        ("worker:1", "worker:1"),
        ("worker@sha256:0a", "worker@sha256:0a"),
    ],
)
def test_an_image_without_a_tag_is_the_latest(files: Files, written: str, reference: str) -> None:
    assert service(files, "worker", f'services: {{worker: {{image: "{written}"}}}}\n').image == reference


def test_own_services_do_not_change_platform_services(files: Files) -> None:
    alone = load(files.write("stack.yaml", PLATFORM), {"NEXUS_STATE": str(files.folder / "state")})
    assert fingerprints(joined(files))["db-0"] == fingerprints(alone)["db-0"]
    assert joined(files).hosts() == alone.hosts()


def test_a_service_with_a_certificate_runs_as_the_user_that_reads_its_key(files: Files) -> None:
    text = "services: {api: {image: a, x-nexusdev: {certificate: true}}}\n"
    assert service(files, "api", text).user == "7:8"
    assert service(files, "api", text.replace("image: a", "image: a, user: '5'")).user == "5"
    assert {each.target for each in service(files, "api", text).files} == {"/run/tls/tls.crt", "/run/tls/tls.key"}


def _service(lines: str) -> str:
    """A file with one service; these lines begin in line 4."""
    return f"services:\n  api:\n    image: api:1\n{lines}\n"


BAD = {
    "an unknown key": (_service("    prots: []"), "4: services.api.prots: unknown key prots", "did you mean ports?"),
    "a host folder": (_service("    volumes: ['./src:/src']"), "4: services.api.volumes[0]: host folders", ""),
    "a port for everybody": (_service("    ports: ['80:80']"), "4: services.api.ports[0]: '80:80' cannot", "CONTAINER"),
    "a port out of range": (_service("    ports: ['70000']"), "4: services.api.ports[0]: port 70000 is out", ""),
    "a port twice": (
        _service("    ports: ['127.0.0.1:21040:80']"),
        "4: services.api.ports: host port 21040 is published twice",
        "",
    ),
    "an env file": (_service("    env_file: .env"), "4: services.api.env_file: unknown key env_file", ""),
    "an unknown dependency": (
        _service("    depends_on: [dbb]"),
        "4: services.api.depends_on[0]: unknown service or component dbb",
        "did you mean db?",
    ),
    "a server of a component": (
        _service("    depends_on: [db-0]"),
        "4: services.api.depends_on[0]: db-0 is a service of the component db",
        "write db",
    ),
    "itself": (
        _service("    depends_on: [api]"),
        "4: services.api.depends_on[0]: unknown service or component api",
        "",
    ),
    "a condition": (
        _service("    depends_on: {db: {condition: service_completed_successfully}}"),
        "4: services.api.depends_on.db.condition: 'service_completed_successfully' is not supported",
        "",
    ),
    "another network": (_service("    networks: [front]"), "4: services.api.networks[0]: 'front' is not", ""),
    "an address": (
        _service("    networks: {nexus: {ipv4_address: 10.213.0.9}}"),
        "4: services.api.networks.nexus.ipv4_address: unknown key ipv4_address",
        "",
    ),
    "variables of nothing": (
        _service("    x-nexusdev: {env: true}"),
        "4: services.api.x-nexusdev.env: no component to take variables from",
        "depends_on: [postgres]",
    ),
    "a setting": (
        _service("    x-nexusdev: {component: db}"),
        "4: services.api.x-nexusdev.component: unknown key component",
        "",
    ),
    "two checks": (
        _service("    x-nexusdev: {ready: {tcp: {port: 1}, exec: [a]}}"),
        "4: services.api.x-nexusdev.ready: needs exactly one check, not 2",
        "",
    ),
    "an unknown check": (
        _service("    x-nexusdev:\n      ready: {htp: {port: 1}}"),
        "5: services.api.x-nexusdev.ready.htp: unknown key htp",
        "did you mean http?",
    ),
    "a check of a port inside": (
        _service("    x-nexusdev: {ready: {tcp: {port: 81}}}"),
        "4: services.api.x-nexusdev.ready.tcp.port: port 81 is not published",
        'ports: ["81"]',
    ),
    "a scrape without port": (
        _service("    x-nexusdev: {scrape: {path: /m}}"),
        "4: services.api.x-nexusdev.scrape: port is missing",
        "",
    ),
    "image and build": (_service("    build: ./api"), "4: services.api.build: image and build cannot be combined", ""),
    "neither": ("services:\n  api: {init: true}\n", "2: services.api: image or build is missing", ""),
    "no folder": ("services:\n  api: {build: ./nowhere}\n", "2: services.api.build: {folder}/nowhere does not", ""),
    "no Dockerfile": (
        "services:\n  api:\n    build: {context: ./api, dockerfile: Other}\n",
        "3: services.api.build.dockerfile: {folder}/api/Other does not exist",
        "",
    ),
    "a taken name": ("services:\n  db-0: {image: a}\n", "2: services.db-0: db-0 is a name of the platform", ""),
    "a component's name": ("services:\n  db: {image: a}\n", "2: services.db: db is a name of the platform", ""),
    "a taken alias": ("services:\n  db-primary: {image: a}\n", "2: services.db-primary: db-primary is a name", ""),
    "an alias of the platform": (
        _service("    networks: {nexus: {aliases: [db-0]}}"),
        "4: services.api.networks: alias db-0 is used twice",
        "",
    ),
    "a bad name": ("services:\n  My_API: {image: a}\n", "2: services.My_API: invalid service name My_API", ""),
    "a secret of the platform": (
        _service("    secrets: [db-password]"),
        "4: services.api.secrets[0]: unknown secret db-password",
        "",
    ),
    "a volume of the platform": (
        _service("    volumes: ['db-0:/x']"),
        "4: services.api.volumes[0]: unknown volume",
        "",
    ),
    "a secret elsewhere": (
        "secrets:\n  token: {file: ./token, x-nexusdev: {password: 32}}\n",
        "2: secrets.token: {folder}/token is not a file for this secret",
        "file: ${NEXUS_STATE}/secrets/own-token",
    ),
    "a secret from another": (
        "secrets:\n  t: {file: '${NEXUS_STATE}/secrets/own-t', x-nexusdev: {text: '{{db-password}}'}}\n",
        "2: secrets.t: secret db-password in its recipe is of the platform",
        "",
    ),
    "the name of the project": ("name: shop\n", "1: name: unknown key name", ""),
    "a network": ("networks: {front: }\n", "1: networks: unknown key networks", ""),
    "an unset variable": (_service("    command: ['${TAG}']"), "4: services.api.command[0]: TAG is not set", ""),
    "a circle": (
        "services:\n  a: {image: a, depends_on: [b]}\n  b: {image: b, depends_on: [a]}\n",
        "2: services.a.depends_on: a cycle: a → b → a",
        "",
    ),
    "a service twice": ("services:\n  a: {image: a}\n  a: {image: b}\n", "3: services.a: is duplicated", ""),
    "no mapping": ("[]\n", "1: the top level must be a mapping", ""),
}


@pytest.mark.parametrize(("text", "message", "hint"), BAD.values(), ids=BAD)
def test_a_mistake_is_reported_with_file_line_key_and_hint(files: Files, text: str, message: str, hint: str) -> None:
    with pytest.raises(InvalidConfig) as raised:
        joined(files, text)
    found = raised.value
    assert f"{files.folder / 'compose.dev.yaml'}:{message.replace('{folder}', str(files.folder))}" in found.message
    assert hint in found.hint
    if "unknown" in message:
        assert "allowed here:" in found.why or "declare none" in found.why


def test_a_refused_key_names_its_replacement(files: Files) -> None:
    with pytest.raises(InvalidConfig) as raised:
        joined(files, _service("    env_file: .env"))
    assert raised.value.why.startswith("x-nexusdev: {env: true} passes the variables")
    assert raised.value.evidence == ("compose.dev.yaml:4 | env_file: .env",)


def test_too_many_ports_are_refused(files: Files) -> None:
    ports = ", ".join(f'"{port}"' for port in range(1, 31))
    with pytest.raises(InvalidConfig, match=re.escape("too many: 28 can be chosen")):
        joined(files, _service(f"    ports: [{ports}]"))


def test_the_page_lists_exactly_the_keys_that_own_files_may_have() -> None:
    written = tables(PAGE.read_text())
    assert {place: written.get(place) for place in OWN_PLACES} == {
        place: {
            key: words for key, words in keys.items() if place != "own service" or words != PLACES["service"].get(key)
        }
        for place, keys in OWN_PLACES.items()
    }
    assert written["Refused keys"] == dict(OWN_REFUSED)
    assert set(OWN_REFUSED) & set(OWN_PLACES["own service"]) == {"networks"}  # refused at the top level alone
    assert not set(REFUSED) & set(OWN_PLACES["own service"]) - {"build"}
