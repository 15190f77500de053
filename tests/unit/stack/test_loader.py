"""What a good stack becomes, and what a person reads about a bad one: file, line, key, what is allowed, what was meant."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from nexusdev.errors import InvalidConfig
from nexusdev.stack.document import MappingNode, Scalar, SequenceNode, Value, read
from nexusdev.stack.loader import load
from nexusdev.stack.model import Connection, FileMount, Logging, Port, ReadyCheck, SecretRecipe, Stack, VolumeMount
from nexusdev.util.file_cache import FileCache
from tests.unit.stack.conftest import GOOD, Files


def refused(files: Files, text: str, **environment: str) -> InvalidConfig:
    with pytest.raises(InvalidConfig) as error:
        files.load(text, **environment)
    return error.value


def with_service(*lines: str) -> str:
    """The good stack with these lines in its first service, before its last key."""
    added = "".join(f"    {line}\n" for line in lines)
    return GOOD.replace("    x-nexusdev: {component: db}\n", f"{added}    x-nexusdev: {{component: db}}\n")


def test_a_valid_stack_is_loaded(files: Files) -> None:
    stack = files.load(NEXUS_PROJECT="nexusdev-shop")
    db = stack.services["db-0"]
    assert (stack.project, stack.network.name, stack.network.subnet) == ("nexusdev-shop", "nexus", "10.213.0.0/24")
    assert (db.image, db.component, db.group, db.ordinal, db.role) == ("db:1", "db", "db", 0, "server")
    assert (db.read_only, db.cap_drop, db.memory_bytes, db.stop_grace) == (True, ("ALL",), 64 * 1024**2, 90.0)
    assert db.environment == {"NODE": "db-0", "COUNT": "3"}
    assert (db.address, db.aliases, db.ports) == ("10.213.0.30", ("db-primary",), (Port(host=21040, container=5432),))
    assert db.volumes == (VolumeMount(volume="db-0", target="/data"),)
    assert db.tmpfs == {"/tmp": "size=8m,mode=1777"}
    assert db.files == (
        FileMount(kind="config", name="settings", source=files.folder / "settings.conf", target="/etc/settings.conf"),
        FileMount(
            kind="secret",
            name="password",
            source=files.folder / "state/secrets/password",
            target="/run/secrets/password",
        ),
    )
    assert stack.secrets["password"].recipe == SecretRecipe(password=32)
    assert (stack.services["exporter-0"].shares, stack.services["exporter-0"].role) == ("db-0", "sidecar")
    assert stack.hosts() == {"db-0": "10.213.0.30", "db-primary": "10.213.0.30"}
    assert stack.file == files.folder / "stack.yaml"
    assert stack.made_of == (files.folder / "stack.yaml", files.folder / "settings.conf")


def test_the_cached_stack_equals_the_original(tmp_path: Path) -> None:
    compose = Path(__file__).parents[3] / "compose" / "stack.yaml"
    stack = load(compose, {"NEXUS_STATE": "/nowhere", "NEXUS_UID": "1000", "NEXUS_GID": "1000"})
    kept = FileCache(tmp_path / "stack.kept", Stack, key="")
    kept.store(stack, made_of=stack.made_of)
    again = kept.cached()
    assert again == stack
    assert list(again.services) == list(stack.services)
    assert {file.suffix for file in stack.made_of} >= {".yaml", ".cfg", ".hcl", ".sh"}


@pytest.mark.parametrize("compose", ["compose/stack.yaml", "tests/toy/compose/stack.yaml"])
def test_every_shipped_service_is_confined(compose: str) -> None:
    stack = load(
        Path(__file__).parents[3] / compose, {"NEXUS_STATE": "/nowhere", "NEXUS_UID": "1000", "NEXUS_GID": "1000"}
    )
    for service in stack.services.values():
        facts = (service.read_only, service.cap_drop, service.security_opt, service.user, service.restart)
        assert facts == (True, ("ALL",), ("no-new-privileges:true",), "1000:1000", "unless-stopped"), service.name
        assert service.memory_bytes > 0, service.name
        assert service.pids > 0, service.name
        assert service.entrypoint, service.name
        assert service.logging == Logging(driver="json-file", options={"max-size": "10m", "max-file": "3"})


def test_healthchecks_are_cheap() -> None:
    """Each is a process that the engine starts, about a tenth of a second of a processor: one every two seconds in all is enough."""
    compose = Path(__file__).parents[3] / "compose" / "stack.yaml"
    stack = load(compose, {"NEXUS_STATE": "/nowhere", "NEXUS_UID": "1000", "NEXUS_GID": "1000"})
    checks = [service.healthcheck for service in stack.services.values() if service.healthcheck]
    assert sum(1 / check.interval for check in checks) <= 0.5
    assert {service.component for service in stack.services.values() if service.healthcheck} == {
        service.component for service in stack.services.values()
    }


def test_included_files_come_first_with_paths_relative_to_themselves(files: Files) -> None:
    files.write("db/settings.conf", "")
    top, services = GOOD.split("services:\n")
    files.write(
        "db/compose.yaml",
        "x-hardened: &hardened {read_only: true}\nconfigs: {near: {file: ./settings.conf}}\nservices:\n" + services,
    )
    stack = files.load(f"include: [db/compose.yaml]\n{top}")
    assert list(stack.services) == ["db-0", "exporter-0"]
    assert stack.configs["near"] == files.folder / "db/settings.conf"


def test_an_include_may_be_a_mapping(files: Files) -> None:
    files.write("more.yaml", "volumes: {more: }\n")
    assert files.load(f"include:\n  - path: more.yaml\n{GOOD}").volumes == ("more", "db-0")


BAD: dict[str, tuple[str, str, str]] = {
    # what is written: (text, the key and what is said of it, part of why or hint)
    "an unknown key": (with_service("prots: []"), "services.db-0.prots: unknown key prots", "did you mean ports?"),
    "a refused key": (
        with_service("ulimits: {}"),
        "services.db-0.ulimits: unknown key ulimits",
        "restricted sandboxes",
    ),
    "a refused build": (with_service("build: ."), "services.db-0.build: unknown key build", "images.lock.yaml"),
    "an unknown key at the top": (
        f"{GOOD}servces: {{}}\n",
        "servces: unknown key servces",
        "did you mean services?",
    ),
    "a version": (f"version: '3'\n{GOOD}", "version: unknown key version", "obsolete in Compose"),
    "a key twice": (
        with_service("read_only: true", "read_only: false"),
        "services.db-0.read_only: is duplicated",
        "first in line 26",
    ),
    "a list for a mapping": (
        with_service("healthcheck: [1]"),
        "services.db-0.healthcheck: must be a mapping, not a list",
        "",
    ),
    "a text for a list": (
        with_service("security_opt: x"),
        "services.db-0.security_opt: must be a list, not 'x'",
        "",
    ),
    "a log driver that nobody can read back": (
        with_service("logging: {driver: syslog}"),
        "services.db-0.logging.driver: 'syslog' is not supported",
        "json-file",
    ),
    "a log option beside its place": (
        with_service("logging: {driver: local, max-size: 1m}"),
        "services.db-0.logging.max-size: unknown key max-size",
        "options",
    ),
    "a word for a boolean": (
        with_service("init: maybe"),
        "services.db-0.init: must be true or false, not 'maybe'",
        "",
    ),
    "a word for a number": (
        with_service("pids_limit: many"),
        "services.db-0.pids_limit: must be an integer",
        "",
    ),
    "a size without meaning": (
        with_service("shm_size: big"),
        "services.db-0.shm_size: must be a size such as 512k",
        "",
    ),
    "a duration without unit": (
        with_service("healthcheck: {test: x, interval: 30}"),
        "interval: must be a duration such as",
        "",
    ),
    "a boolean for a text": (
        with_service("hostname: yes"),
        "services.db-0.hostname: must be a string; YAML parsers disagree about yes",
        'write "yes"',
    ),
    "an octal number for a text": (
        with_service("user: 010"),
        "services.db-0.user: must be a string; YAML parsers disagree about 010",
        'write "010"',
    ),
    "a date for a text": (
        with_service("user: 2026-01-01"),
        "services.db-0.user: found a timestamp",
        'write "2026-01-01"',
    ),
    "no value for a variable": (
        GOOD.replace("{NODE: db-0, COUNT: 3}", "{NODE: }"),
        "services.db-0.environment.NODE: must be a string (values are not inherited from the host), not nothing",
        "",
    ),
    "a variable without value in a list": (
        GOOD.replace("{NODE: db-0, COUNT: 3}", "[NODE]"),
        "services.db-0.environment[0]: NODE has no value",
        'write "NODE=value"',
    ),
    "no image": (
        GOOD.replace("    image: exporter:1\n", ""),
        "services.exporter-0: image is missing",
        "image reference",
    ),
    "no component": (
        GOOD.replace("{component: monitoring}", "{}"),
        "services.exporter-0.x-nexusdev: component is missing",
        "",
    ),
    "neither network nor sharing": (
        GOOD.replace("    network_mode: service:db-0\n", ""),
        "services.exporter-0: networks or network_mode is missing",
        "",
    ),
    "both": (
        GOOD.replace("service:db-0\n", "service:db-0\n    ports: []\n"),
        "services.exporter-0.ports: ports cannot be combined",
        "",
    ),
    "the host's network": (
        GOOD.replace("service:db-0", "host"),
        "services.exporter-0.network_mode: 'host' is not supported",
        "service:NAME",
    ),
    "an unknown network": (
        GOOD.replace("networks: {nexus: {ipv4", "networks: {nexsu: {ipv4"),
        "unknown network nexsu",
        "did you mean nexus?",
    ),
    "an unknown owner": (
        GOOD.replace("service:db-0", "service:db-1"),
        "services.exporter-0.network_mode: unknown service db-1",
        "db-0?",
    ),
    "an unknown volume": (
        GOOD.replace("[db-0:/data]", "[db-O:/data]"),
        "services.db-0.volumes[0]: unknown volume db-O",
        "did you mean db-0?",
    ),
    "an unknown secret": (
        GOOD.replace("secrets: [password]", "secrets: [pasword]"),
        "unknown secret pasword",
        "did you mean password?",
    ),
    "an unknown config": (
        GOOD.replace("source: settings", "source: setings"),
        "unknown config setings",
        "did you mean settings?",
    ),
    "an unknown dependency": (
        with_service("depends_on: [exporter]"),
        "services.db-0.depends_on: unknown service exporter",
        "exporter-0?",
    ),
    "a wait for health": (
        with_service("depends_on: {exporter-0: {condition: service_healthy}}"),
        "services.db-0.depends_on.exporter-0.condition: 'service_healthy' is not supported",
        "service_started",
    ),
    "a cycle": (
        with_service("depends_on: [exporter-0]"),
        "services.db-0.depends_on: a cycle: db-0 → exporter-0 → db-0",
        "",
    ),
    "a missing config file": (GOOD.replace("./settings", "./setings"), "configs.settings.file: ", "does not exist"),
    "a folder of the host": (
        GOOD.replace("[db-0:/data]", "[./data:/data]"),
        "host folders cannot be mounted",
        "under volumes:",
    ),
    "an open port": (
        GOOD.replace("127.0.0.1:21040:5432", "21040:5432"),
        "services.db-0.ports[0]: '21040:5432' cannot",
        "127.0.0.1",
    ),
    "a port among outgoing ones": (GOOD.replace(":21040:", ":40000:"), "port 40000:5432 is out of range", "32768"),
    "an address elsewhere": (
        GOOD.replace("10.213.0.30", "10.213.1.30"),
        "services.db-0.networks: 10.213.1.30 is not a usable address",
        "10.213.0.2",
    ),
    "the gateway's address": (GOOD.replace("10.213.0.30", "10.213.0.1"), "10.213.0.1 is not a usable address", ""),
    "no address": (GOOD.replace("10.213.0.30", "db"), "'db' is not an IPv4 address", ""),
    "two mounts in one place": (
        with_service().replace("tmpfs: [", 'tmpfs: ["/data", '),
        "services.db-0.tmpfs: /data is mounted twice",
        "",
    ),
    "no /24": (
        GOOD.replace("10.213.0.0/24", "10.213.0.0/16"),
        "networks.nexus.ipam.config[0].subnet: '10.213.0.0/16' is not a /24",
        "",
    ),
    "a range elsewhere": (
        GOOD.replace('"10.213.0.0/24"', '"10.213.0.0/24", ip_range: 10.213.1.0/25'),
        "networks.nexus.ipam.config[0].ip_range: '10.213.1.0/25' is not a part of 10.213.0.0/24",
        "",
    ),
    "an address among the dynamic ones": (
        GOOD.replace('"10.213.0.0/24"', '"10.213.0.0/24", ip_range: 10.213.0.0/25'),
        "services.db-0.networks: 10.213.0.30 is in the ip_range of the network",
        "without a fixed address",
    ),
    "two networks": (
        GOOD.replace("networks:\n  nexus", "networks:\n  other: {}\n  nexus"),
        "networks: must declare exactly one network, not 2",
        "",
    ),
    "no recipe": (
        GOOD.replace(", x-nexusdev: {password: 32}", ""),
        "secrets.password: x-nexusdev is missing",
        "the recipe",
    ),
    "two recipes": (
        GOOD.replace("{password: 32}", "{password: 32, key: 32}"),
        "needs exactly one recipe, not 2",
        "password, key, text",
    ),
    "a short password": (GOOD.replace("{password: 32}", "{password: 4}"), "must be an integer of at least 8", ""),
    "a text from nothing": (
        GOOD.replace("{password: 32}", "{text: 'x{{sha256:pasword}}'}"),
        "unknown secret pasword",
        "did you mean password?",
    ),
    "a text from itself": (
        GOOD.replace("{password: 32}", "{text: '{{password}}'}"),
        "a cycle: password → password",
        "",
    ),
    "a token of nothing": (
        GOOD.replace("{password: 32}", "{jwt: {key: root}}"),
        "unknown secret root in its recipe",
        "",
    ),
    "names without certificate": (
        GOOD.replace("{password: 32}", "{password: 32, names: [x]}"),
        "names can only be used with certificate",
        "",
    ),
    "a variable that is not set": (
        GOOD.replace("${IMAGE:-db:1}", "${IMAGE}"),
        "services.db-0.image: IMAGE is not set",
        "${IMAGE:-default}",
    ),
    "a lone dollar": (with_service("hostname: a$b"), "services.db-0.hostname: a single $", "$$"),
    "no YAML": (f"{GOOD}  - [\n", "invalid YAML", ""),
    "a list at the top": ("- a\n", "the top level must be a mapping", ""),
    "an alias in itself": (f"{GOOD}x-a: &a [*a]\n", "x-a[0]: an alias contains itself", ""),
    "a merge of a list": (
        with_service("environment: {<<: [a]}").replace("    environment: {NODE: db-0, COUNT: 3}\n", ""),
        "takes a mapping",
        "",
    ),
    "capitals": (
        GOOD.replace("  exporter-0:", "  Exporter:"),
        "services.Exporter: invalid service name Exporter",
        "",
    ),
    "an included file that is not there": (f"include: [no.yaml]\n{GOOD}", "include[0]: ", "does not exist"),
    "a file that includes itself": (
        f"include: [stack.yaml]\n{GOOD}",
        "include[0]: include cycle: stack.yaml → stack.yaml",
        "",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_refused_content_is_reported_with_file_line_and_key(files: Files, what: str) -> None:
    text, said, more = BAD[what]
    error = refused(files, text)
    assert str(files.folder / "stack.yaml") in error.message
    assert said in error.message
    assert more in f"{error.message} {error.why} {error.hint}"
    assert error.exit_status == 12
    place = re.search(r"stack\.yaml:(?P<line>\d+)(?:: (?P<path>[\w.\[\]-]+))?: ", error.message)
    assert place is not None
    line = text.splitlines()[int(place["line"]) - 1]
    assert error.evidence == (f"stack.yaml:{place['line']} | {line.strip()}",)
    last_key = re.sub(r"\[\d+\]", "", place["path"] or "").rpartition(".")[2]
    assert last_key in line


def test_ports_addresses_and_names_are_unique(files: Files) -> None:
    def second(address: str, port: int, alias: str) -> str:
        return (
            f"{GOOD}  db-1:\n    image: db\n    networks: {{nexus: {{ipv4_address: {address}, aliases: [{alias}]}}}}\n"
            f'    ports: ["127.0.0.1:{port}:5432"]\n    x-nexusdev: {{component: db, group: other}}\n'
        )

    files.load(second("10.213.0.31", 21041, "other"))
    assert (
        ": services.db-1.ports: host port 21040 is published twice"
        in refused(files, second("10.213.0.31", 21040, "o")).message
    )
    assert (
        ": services.db-1.networks: address 10.213.0.30 is used twice"
        in refused(files, second("10.213.0.30", 21041, "o")).message
    )
    twice = refused(files, second("10.213.0.31", 21041, "db-primary"))
    assert "alias db-primary is used twice" in twice.message
    assert "db-0 also has it" in twice.why


def test_a_sidecar_of_a_sidecar_is_refused(files: Files) -> None:
    error = refused(
        files, f"{GOOD}  more:\n    image: x\n    network_mode: service:exporter-0\n    x-nexusdev: {{component: db}}\n"
    )
    assert "exporter-0 itself shares a network" in error.message
    assert error.hint == "write service:db-0"


def test_a_cycle_of_shared_networks_is_refused(files: Files) -> None:
    ring = f"{GOOD}  a:\n    image: x\n    network_mode: service:b\n    x-nexusdev: {{component: db}}\n"
    ring += "  b:\n    image: x\n    network_mode: service:a\n    x-nexusdev: {component: db}\n"
    assert "a cycle: a → b → a" in refused(files, ring).message


def test_a_name_declared_twice_names_both_files(files: Files) -> None:
    files.write("other.yaml", "volumes:\n  db-0:\n")
    error = refused(files, f"include: [other.yaml]\n{GOOD}")
    assert "volumes.db-0: db-0 is declared twice" in error.message
    assert "other.yaml:2" in error.why


def test_an_error_in_an_included_file_names_that_file(files: Files) -> None:
    files.write("other.yaml", "services:\n  x:\n    imgae: y\n")
    assert (
        f"{files.folder / 'other.yaml'}:3: services.x.imgae" in refused(files, f"include: [other.yaml]\n{GOOD}").message
    )


def test_the_network_must_be_in_the_outermost_file(files: Files) -> None:
    files.write("other.yaml", "networks: {x: {}}\n")
    assert (
        "networks is only allowed in the top-level file, stack.yaml"
        in refused(files, f"include: [other.yaml]\n{GOOD}").message
    )


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    from nexusdev.stack.loader import load

    with pytest.raises(InvalidConfig, match="failed to read") as error:
        load(tmp_path / "stack.yaml", {})
    assert error.value.why == "No such file or directory"


def test_a_file_of_the_state_folder_may_be_missing(files: Files) -> None:
    stack = files.load(GOOD.replace("./settings.conf", '"${NEXUS_STATE}/passwd"'))
    assert stack.configs["settings"] == files.folder / "state/passwd"


def test_explicit_keys_override_merged_ones_and_earlier_merges_later_ones(files: Files) -> None:
    path = files.write("m.yaml", "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 0}\n")
    merged = read(path, {}).items["c"]
    assert isinstance(merged, MappingNode)
    assert {key: value.text for key, value in merged.items.items() if isinstance(value, Scalar)} == {
        "x": "0",
        "y": "1",
        "z": "2",
    }


def _places(value: Value) -> list[Value]:
    """Every value of a document."""
    below = (
        value.items.values()
        if isinstance(value, MappingNode)
        else value.items
        if isinstance(value, SequenceNode)
        else ()
    )
    return [value, *(place for each in below for place in _places(each))]


@pytest.mark.parametrize("seed", range(150))
def test_every_error_names_file_and_line(files: Files, seed: int) -> None:
    """Lines dropped, doubled, swapped, indented, words replaced: loads, or says where it hurts; never anything else."""
    dice = random.Random(seed)
    lines = GOOD.splitlines()
    for _ in range(dice.randrange(1, 4)):
        at = dice.randrange(len(lines))
        line = lines[at]
        words = re.findall(r"[\w.-]+", line) or ["x"]
        word = dice.choice(words)
        lines[at : at + 1] = dice.choice(
            [
                [],
                [line, line],
                [f"  {line}"],
                [
                    line.replace(
                        word, dice.choice(["", "null", "true", "7", "[]", "{}", "&a", "*a", "$", "${", "é\t", "!x y"])
                    )
                ],
                [line.replace(":", "", 1)],
                [line, dice.choice(lines)],
            ]
        )
    problem = _problem(files, "\n".join(lines))
    assert problem == "" or re.match(rf"{re.escape(str(files.folder))}/stack\.yaml:\d+: .+", problem, re.DOTALL)


def _problem(files: Files, text: str) -> str:
    """What is said of a text, or '' when it loads."""
    try:
        files.load(text)
    except InvalidConfig as error:
        return error.message
    return ""


def test_pod_runtime_keys_are_loaded(files: Files) -> None:
    settings = """{component: db, connects: ["db:5432", "db-primary:6432"], serves: {db-primary: [5432]},
      ready: {http: {port: 8008, path: /ready, tls: true}}, alive: {tcp: {port: 5432}}}"""
    service = files.load(GOOD.replace("{component: db}", settings)).services["db-0"]
    assert service.connects == (Connection(target="db", port=5432), Connection(target="db-primary", port=6432))
    assert service.serves == {"db-primary": (5432,)}
    assert service.ready == ReadyCheck(kind="http", port=8008, path="/ready", tls=True)
    assert service.alive == ReadyCheck(kind="tcp", port=5432)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("connects: [db]", "'db' is not NAME:PORT"),
        ('connects: ["db:http"]', "'db:http' is not NAME:PORT"),
        ('connects: ["db:70000"]', "port 70000 is out of range"),
        ('connects: ["dv:5432"]', "connects to dv, which is no role name, service or group"),
        ("serves: {db-second: [5432]}", "serves db-second, which is no alias of it"),
        ("serves: {db-primary: [0]}", "must be an integer of at least 1"),
        ("ready: {}", "needs exactly one check, not 0"),
        ("alive: {http: {path: /}}", "port is missing"),
    ],
)
def test_invalid_pod_runtime_keys_are_refused_with_their_line(files: Files, settings: str, problem: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        files.load(GOOD.replace("{component: db}", f"{{component: db, {settings}}}"))
    assert problem in caught.value.message
    assert "stack.yaml:26" in caught.value.message
