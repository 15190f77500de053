"""Files, memory and data of pods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nexusdev.runtimes.kubernetes.render.folder import manifests
from nexusdev.runtimes.kubernetes.render.options import RenderOptions
from nexusdev.runtimes.kubernetes.render.volumes import folder_of
from nexusdev.stack.loader import load
from tests.kubernetes.objects import api_objects
from tests.unit.runtimes.kubernetes.render.conftest import GOOD, StackFolder, container


def volumes(objects: Any, name: str) -> Any:
    spec = objects[name]["spec"]["template"]["spec"]
    return {each["name"]: each for each in spec["volumes"]}


@pytest.mark.parametrize(
    ("target", "folder"),
    [
        ("/run/tls/tls.crt", "/run/tls"),
        ("/run/tls/CAs/ca.crt", "/run/tls"),
        ("/etc/prometheus/rules/redis.yml", "/etc/prometheus"),
        ("/etc/passwd", ""),
        ("/settings", ""),
    ],
)
def test_files_are_mounted_with_their_folder_except_in_system_folders(target: str, folder: str) -> None:
    assert folder_of(target) == folder


def test_secrets_are_readable_only_by_the_group_of_the_pod(stack_folder: StackFolder) -> None:
    objects = stack_folder.render()
    secrets = volumes(objects, "StatefulSet/db")["db-run-secrets"]["projected"]
    assert secrets["defaultMode"] == 0o440
    assert secrets["sources"] == [{"secret": {"name": "db", "items": [{"key": "password", "path": "password"}]}}]
    assert objects["StatefulSet/db"]["spec"]["template"]["spec"]["securityContext"]["fsGroup"] == 10001


def test_configs_and_secrets_of_one_folder_are_one_volume(stack_folder: StackFolder) -> None:
    text = GOOD.replace("secrets: [password]", "secrets: [{source: password, target: /etc/db/password}]")
    sources = volumes(stack_folder.render(text), "StatefulSet/db")["db-etc-db"]["projected"]["sources"]
    assert [next(iter(each)) for each in sources] == ["configMap", "secret"]


def test_a_group_has_claims_that_outlive_it_and_a_single_pod_has_one(stack_folder: StackFolder) -> None:
    objects = stack_folder.render()
    spec = objects["StatefulSet/db"]["spec"]
    assert [each["metadata"]["name"] for each in spec["volumeClaimTemplates"]] == ["data"]
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    assert volumes(objects, "Deployment/keys")["data"]["persistentVolumeClaim"] == {"claimName": "keys-data"}
    assert objects["PersistentVolumeClaim/keys-data"]["spec"]["resources"] == {"requests": {"storage": "10Gi"}}


def test_memory_file_systems_are_empty_dirs_in_memory(stack_folder: StackFolder) -> None:
    text = GOOD.replace(
        "image: keys:1", 'image: keys:1\n    tmpfs: ["/tmp:size=4m,mode=1777", /cache]\n    shm_size: 128m'
    )
    found = volumes(stack_folder.render(text), "Deployment/keys")
    assert found["keys-tmp"]["emptyDir"] == {"medium": "Memory", "sizeLimit": "4Mi"}
    assert found["keys-cache"]["emptyDir"] == {"medium": "Memory"}
    assert found["keys-dev-shm"]["emptyDir"] == {"medium": "Memory", "sizeLimit": "128Mi"}


def test_a_read_only_volume_is_mounted_read_only(stack_folder: StackFolder) -> None:
    text = GOOD.replace('["keys:/data"]', '["keys:/data:ro"]')
    assert container(stack_folder.render(text), "Deployment/keys")["volumeMounts"] == [
        {"name": "data", "mountPath": "/data", "readOnly": True}
    ]


def test_a_changed_config_replaces_the_pods_unless_it_is_live(stack_folder: StackFolder) -> None:
    def checksum(text: str) -> str:
        annotations = stack_folder.render(text)["StatefulSet/db"]["spec"]["template"]["metadata"].get("annotations", {})
        return str(annotations.get("checksum/config", ""))

    live = GOOD.replace("{file: ./settings.conf}", "{file: ./settings.conf, x-nexusdev: {live: true}}")
    before = checksum(GOOD), checksum(live)
    (stack_folder.folder / "settings.conf").write_text("colour = red\n")
    assert checksum(GOOD) != before[0]
    assert checksum(live) == before[1] == ""


def test_an_own_service_keeps_the_other_files_of_a_folder(stack_folder: StackFolder, tmp_path: Path) -> None:
    stack_folder.stack()
    (tmp_path / "app.yaml").write_text("a: 1\n")
    own = tmp_path / "own.yaml"
    own.write_text(
        "configs:\n  app: {file: ./app.yaml}\nservices:\n  api:\n    image: api:1\n    user: '10001:10001'\n"
        "    restart: always\n    mem_limit: 64m\n    configs: [{source: app, target: /srv/app/app.yaml}]\n"
    )
    stack = load(tmp_path / "stack.yaml", {"NEXUS_STATE": str(tmp_path / "state")}, include=[own])
    files = manifests(stack, RenderOptions(profile="cluster", configs={"settings": "", "app": "a: 1\n"}))
    objects = {f"{each['kind']}/{each['metadata']['name']}": each for each in api_objects(files)}
    assert container(objects, "Deployment/api")["volumeMounts"] == [
        {"name": "api-files", "mountPath": "/srv/app/app.yaml", "subPath": "srv-app-app-yaml", "readOnly": True}
    ]
