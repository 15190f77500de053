"""What the engine is told to create."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nexusdev.interfaces import BindMount, OneOff
from nexusdev.runtimes.docker.create import (
    ResourceNames,
    address_pool,
    container_config,
    network_labels,
    one_off_config,
    volume_labels,
)
from nexusdev.stack.model import FileMount, Healthcheck, Logging, Network, OwnService, Port, Service, Stack, VolumeMount

DB = Service(
    name="db",
    image="db:1",
    component="db",
    group="db",
    address="10.0.0.10",
    aliases=("db-primary",),
    entrypoint=("/run.sh",),
    environment={"COLOUR": "blue"},
    ports=(Port(host=21040, container=5432), Port(host=21041, container=5432)),
    volumes=(VolumeMount(volume="db", target="/data"),),
    tmpfs={"/tmp": "size=1m"},
    files=(FileMount(kind="config", name="c", source=Path("/stack/c"), target="/etc/c"),),
    memory_bytes=1024,
    pids=10,
    restart="on-failure:3",
    stop_signal="SIGINT",
    stop_grace=1.6,
    healthcheck=Healthcheck(test=("CMD", "true"), interval=30, timeout=5, retries=3, start_period=0.5),
)
SIDE = Service(name="side", image="side:1", component="side", group="side", role="sidecar", shares="db")
STACK = Stack(
    project="shop",
    network=Network(name="nexus", subnet="10.0.0.0/24"),
    services={"db": DB, "side": SIDE},
    file=Path("/stack/stack.yaml"),
)
NAMES = ResourceNames(project="shop", instance="i", owner_path="/home/dev/shop", stack=STACK)


def told(service: Service = DB, owner_id: str = "") -> dict[str, Any]:
    return container_config(service, NAMES, STACK, fingerprint="f1", owner_id=owner_id)


def test_ports_are_published_on_loopback_only() -> None:
    ports = told()["HostConfig"]["PortBindings"]
    assert ports == {
        "5432/tcp": [{"HostIp": "127.0.0.1", "HostPort": "21040"}, {"HostIp": "127.0.0.1", "HostPort": "21041"}]
    }


def test_the_address_is_fixed_and_every_name_is_an_alias() -> None:
    endpoint = told()["NetworkingConfig"]["EndpointsConfig"]["shop_nexus"]
    assert endpoint == {"IPAMConfig": {"IPv4Address": "10.0.0.10"}, "Aliases": ["db", "db-primary"]}
    assert told()["HostConfig"]["ExtraHosts"] == ["db:10.0.0.10", "db-primary:10.0.0.10"]


def test_a_sidecar_has_no_network_of_its_own() -> None:
    body = told(SIDE, owner_id="c1")
    assert body["HostConfig"]["NetworkMode"] == "container:c1"
    assert (body["HostConfig"]["ExtraHosts"], body["HostConfig"]["PortBindings"], body["NetworkingConfig"]) == (
        [],
        {},
        {},
    )


def test_volumes_are_named_and_files_are_read_only() -> None:
    assert told()["HostConfig"]["Mounts"] == [
        {"Type": "volume", "Source": "shop_db", "Target": "/data", "ReadOnly": False},
        {"Type": "bind", "Source": "/stack/c", "Target": "/etc/c", "ReadOnly": True},
    ]


def test_configs_are_mounted_from_the_state_folder() -> None:
    made = FileMount(kind="config", name="m", source=Path("/state/m"), target="/etc/m")
    secret = FileMount(kind="secret", name="c", source=Path("/state/secrets/c"), target="/run/c")
    service = replace(DB, volumes=(), files=(*DB.files, made, secret))
    configs = {"c": Path("/stack/c"), "m": Path("/state/m")}
    stack = replace(STACK, configs=configs, made_of=(Path("/stack/stack.yaml"), Path("/stack/c")))
    body = container_config(service, replace(NAMES, state_path="/state"), stack, fingerprint="f1")
    sources = [mount["Source"] for mount in body["HostConfig"]["Mounts"]]
    assert sources == ["/state/configs/c", "/state/m", "/state/secrets/c"]


def test_the_network_reserves_its_fixed_addresses() -> None:
    assert address_pool(Network(name="n", subnet="10.0.0.0/24")) == {"Subnet": "10.0.0.0/24"}
    pool = address_pool(Network(name="n", subnet="10.0.0.0/24", ip_range="10.0.0.128/25"))
    assert pool == {"Subnet": "10.0.0.0/24", "IPRange": "10.0.0.128/25"}


def test_swap_is_disabled() -> None:
    host = told()["HostConfig"]
    assert (host["Memory"], host["MemorySwap"]) == (1024, 1024)
    assert "Memory" not in told(replace(DB, memory_bytes=0))["HostConfig"]


@pytest.mark.parametrize(("grace", "seconds"), [(0.1, 1), (1.6, 2), (90.0, 90)])
def test_the_grace_period_has_whole_seconds_and_is_always_set(grace: float, seconds: int) -> None:
    assert told(replace(DB, stop_grace=grace))["StopTimeout"] == seconds


def test_the_restart_policy_has_the_format_of_the_engine() -> None:
    assert told()["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}


def test_own_service_healthchecks_run_as_declared() -> None:
    assert told(replace(DB, own=OwnService()))["Healthcheck"] == {
        "Test": ["CMD", "true"],
        "Interval": 30_000_000_000,
        "Timeout": 5_000_000_000,
        "StartPeriod": 500_000_000,
        "Retries": 3,
    }


def test_platform_healthchecks_run_rarely() -> None:
    assert told()["Healthcheck"] == {
        "Test": ["CMD", "true"],
        "Interval": 300_000_000_000,
        "Timeout": 5_000_000_000,
        "StartPeriod": 60_000_000_000,
        "Retries": 3,
    }


def test_every_resource_names_its_state_folder() -> None:
    names = replace(NAMES, state_path="/home/dev/.local/state/nexusdev/instances/i")
    expected = {"dev.nexus.state-path": "/home/dev/.local/state/nexusdev/instances/i"}
    made = container_config(DB, names, STACK, fingerprint="f1")["Labels"]
    for labels in (made, volume_labels(names, "db"), network_labels(names, STACK.network)):
        assert expected.items() <= labels.items()


def test_the_log_driver_defaults_to_the_engine() -> None:
    limited = Logging(driver="json-file", options={"max-size": "10m", "max-file": "3"})
    assert told(replace(DB, logging=limited))["HostConfig"]["LogConfig"] == {
        "Type": "json-file",
        "Config": {"max-size": "10m", "max-file": "3"},
    }
    assert told()["HostConfig"]["LogConfig"] == {}


def test_labels_are_valid_for_compose_and_name_the_instance() -> None:
    assert told()["Labels"] == {
        "com.docker.compose.project": "shop",
        "com.docker.compose.version": "2.26.1",
        "com.docker.compose.service": "db",
        "com.docker.compose.container-number": "1",
        "com.docker.compose.oneoff": "False",
        "com.docker.compose.project.working_dir": "/stack",
        "com.docker.compose.project.config_files": "/stack/stack.yaml",
        "com.docker.compose.config-hash": "f1",
        "dev.nexus.instance": "i",
        "dev.nexus.owner-path": "/home/dev/shop",
        "dev.nexus.component": "db",
        "dev.nexus.role": "server",
        "dev.nexus.fingerprint": "f1",
    }


def test_a_one_off_has_its_own_label_no_log_and_an_init_process() -> None:
    names = ResourceNames(project="nexusdev-shop", instance="shop", owner_path="/home/dev/shop")
    wanted = OneOff(
        name="nexusdev-shop-run-1",
        image="python:3",
        argv=("app",),
        environment={"PGPASSWORD": "s3cret"},
        mounts=(BindMount(source=Path("/state/ca.crt"), target="/run/nexusdev/ca.crt", read_only=True),),
    )
    config = one_off_config(wanted, names, network="nexusdev-shop_nexus", tty=False, with_stdin=True)
    assert config["Labels"] == {
        **names.common,
        "com.docker.compose.oneoff": "True",
        "dev.nexus.role": "one-off",
    }
    host = config["HostConfig"]
    assert (host["NetworkMode"], host["Init"], host["LogConfig"]) == ("nexusdev-shop_nexus", True, {"Type": "none"})
    assert host["Mounts"] == [
        {"Type": "bind", "Source": "/state/ca.crt", "Target": "/run/nexusdev/ca.crt", "ReadOnly": True}
    ]
    assert config["Env"] == ["PGPASSWORD=s3cret"]
    assert (config["OpenStdin"], config["StdinOnce"], config["Tty"]) == (True, True, False)
