"""What the compose files can say and Kubernetes cannot do is refused with file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.errors import InvalidConfig
from nexusdev.runtimes.kubernetes.render.folder import manifests
from nexusdev.runtimes.kubernetes.render.options import RenderOptions
from nexusdev.stack.loader import load
from tests.unit.runtimes.kubernetes.render.conftest import GOOD, StackFolder

_KEYS = "    image: keys:1\n"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("init: true", "services.keys.init: init cannot be rendered"),
        ("user: root", "services.keys.user: user 'root' cannot be rendered"),
        ("user: '0:0'", "services.keys.user: user '0:0' cannot be rendered"),
        ("user: '10001:0'", "services.keys.user: user '10001:0' cannot be rendered"),
        ("restart: 'no'", "services.keys.restart: restart 'no' cannot be rendered"),
        ("restart: on-failure:3", "services.keys.restart: restart 'on-failure:3' cannot be rendered"),
        ("cap_add: [NET_ADMIN]", "services.keys.cap_add: capability NET_ADMIN cannot be rendered"),
        (
            "security_opt: ['seccomp:unconfined']",
            "security_opt: security option 'seccomp:unconfined' cannot be rendered",
        ),
        ("tmpfs: ['/tmp:exec']", "services.keys.tmpfs: option 'exec' of /tmp cannot be rendered"),
        ("hostname: other", "services.keys.hostname: hostname other is not keys"),
        ("healthcheck: {test: [CMD]}", "services.keys.healthcheck: the test has no command"),
        ("privileged: true", "services.keys.privileged: unknown key privileged"),
        ("devices: [/dev/kvm]", "services.keys.devices: unknown key devices"),
        ("ulimits: {nofile: 1}", "services.keys.ulimits: unknown key ulimits"),
    ],
)
def test_a_key_is_refused_with_its_line(stack_folder: StackFolder, line: str, problem: str) -> None:
    text = GOOD.replace(_KEYS, f"{_KEYS}    {line}\n")
    with pytest.raises(InvalidConfig) as caught:
        stack_folder.render(text)
    number = text.splitlines().index(f"    {line}") + 1
    assert f"stack.yaml:{number}: " in caught.value.message
    assert problem in caught.value.message


@pytest.mark.parametrize(
    ("volume", "problem"),
    [
        ("./here:/data", "host folders cannot be mounted"),
        ("db-0:/data", "volume db-0 is also mounted by"),
    ],
)
def test_a_volume_unsupported_in_pods_is_refused(stack_folder: StackFolder, volume: str, problem: str) -> None:
    with pytest.raises(InvalidConfig, match=problem) as caught:
        stack_folder.render(GOOD.replace('["keys:/data"]', f'["{volume}"]'))
    assert "stack.yaml:" in caught.value.message


def test_the_network_of_the_host_is_refused(stack_folder: StackFolder) -> None:
    with pytest.raises(InvalidConfig, match="'host' is not supported"):
        stack_folder.render(
            GOOD.replace("    networks: {nexus: {ipv4_address: 10.213.0.40}}", "    network_mode: host")
        )


def test_a_group_that_is_not_numbered_from_0_is_refused(stack_folder: StackFolder) -> None:
    text = GOOD.replace("  db-1:\n", "  db-2:\n").replace("NODE: db-1", "NODE: db-2")
    with pytest.raises(InvalidConfig, match="db-2 cannot be pod 1 of group db"):
        stack_folder.render(text)


def test_members_may_differ_only_in_their_names(stack_folder: StackFolder) -> None:
    with pytest.raises(InvalidConfig, match="db-1 differs from db-0 in environment"):
        stack_folder.render(GOOD.replace("NODE: db-1}", "NODE: other}"))


def test_an_alias_with_dots_is_refused(stack_folder: StackFolder) -> None:
    with pytest.raises(InvalidConfig, match=r"services.gateway.networks: alias db.example.com cannot be rendered"):
        stack_folder.render(GOOD.replace("aliases: [db-primary]", "aliases: [db-primary, db.example.com]"))


def test_a_config_from_this_machine_is_refused(stack_folder: StackFolder) -> None:
    with pytest.raises(
        InvalidConfig, match=r"stack.yaml:10: configs.settings.file: config settings cannot be rendered"
    ):
        stack_folder.render(configs={})


def test_configs_that_are_too_large_are_refused(stack_folder: StackFolder) -> None:
    (stack_folder.folder / "settings.conf").write_text("x" * 1024 * 1025)
    with pytest.raises(InvalidConfig, match="the configs of db have 1049600 bytes"):
        stack_folder.render()


def test_an_own_service_with_the_variables_of_an_instance_is_refused(stack_folder: StackFolder, tmp_path: Path) -> None:
    stack_folder.stack()
    own = tmp_path / "own.yaml"
    own.write_text(
        "services:\n  api:\n    image: api:1\n    user: '10001:10001'\n    restart: always\n"
        "    depends_on: [db]\n    x-nexusdev: {env: true}\n"
    )
    stack = load(tmp_path / "stack.yaml", {"NEXUS_STATE": str(tmp_path / "state")}, include=[own])
    with pytest.raises(InvalidConfig, match=r"own.yaml:7: services.api.x-nexusdev: env and certificate cannot be"):
        manifests(stack, RenderOptions(profile="cluster", configs={"settings": ""}))
