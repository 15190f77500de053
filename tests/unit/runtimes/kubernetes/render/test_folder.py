"""The rendered folder against the reviewed one, for both profiles, and against the API's schemas of three minor versions.

``make golden`` writes the reviewed files; read the diff before committing it.
Contents of configs are left out of them: test_parity.py compares them with their files.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from kubernetes_validate.utils import all_versions

from nexusdev.runtimes.kubernetes.render.files import CHECKSUM
from nexusdev.runtimes.kubernetes.render.folder import manifests
from nexusdev.runtimes.kubernetes.render.options import PROFILES, ProfileName, RenderOptions
from nexusdev.runtimes.kubernetes.render.text import to_yaml
from tests.contract.bench import small_stack, with_secret
from tests.kubernetes.lint import problems
from tests.kubernetes.objects import api_objects, folder, of_kind, pod_templates

GOLDEN = Path(__file__).parent / "golden"


def shortened(files: Mapping[str, Any]) -> dict[str, str]:
    """Path → text, without what changes with each config file: contents and checksums."""
    found = copy.deepcopy(dict(files))
    for documents in found.values():
        for each in documents:
            if each["kind"] == "ConfigMap":
                each["data"] = dict.fromkeys(each["data"], "…")
        for _, template in pod_templates(list(documents)):
            if CHECKSUM in template["metadata"].get("annotations", {}):
                template["metadata"]["annotations"][CHECKSUM] = "…"
    return {name: to_yaml(documents) for name, documents in found.items()}


def reviewed(profile: str) -> dict[str, str]:
    root = GOLDEN / profile
    return {str(file.relative_to(root)): file.read_text(encoding="utf-8") for file in root.rglob("*.yaml")}


@pytest.mark.parametrize("profile", PROFILES)
def test_the_folder_matches_the_reviewed_snapshot(profile: ProfileName) -> None:
    files = shortened(folder(profile))
    if os.environ.get("UPDATE_GOLDEN"):
        for stale in reviewed(profile).keys() - files.keys():
            (GOLDEN / profile / stale).unlink()
        for name, text in files.items():
            path = GOLDEN / profile / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    assert files == reviewed(profile)


def minors() -> list[str]:
    """The oldest, the middle and the newest minor version whose schemas are installed."""
    known = all_versions()
    return [known[0], known[len(known) // 2], known[-1]]


@pytest.mark.parametrize("minor", minors())
def test_every_object_has_the_schema_of_the_api(minor: str) -> None:
    """Most objects of the two profiles are equal. They are checked once: the validator reads its schema anew for each."""
    objects = [each for profile in PROFILES for each in api_objects(folder(profile, dev_access=True))]
    distinct = {json.dumps(each, sort_keys=True): each for each in objects}
    assert len(distinct) > 100
    for each in distinct.values():
        kubernetes_validate.validate(each, minor, strict=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda each: each["spec"].update(replica=3),
        lambda each: each["spec"]["template"]["spec"]["containers"][0].update(env={"A": "b"}),
        lambda each: each["spec"].pop("selector"),
    ],
)
def test_the_schemas_refuse_unknown_keys_wrong_types_and_missing_members(change: Any) -> None:
    each = copy.deepcopy(next(each for each in api_objects(folder("kind")) if each["kind"] == "StatefulSet"))
    change(each)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(each, minors()[-1], strict=True)


def test_only_generally_available_apis_are_used() -> None:
    versions = {each["apiVersion"] for each in api_objects(folder("kind"))}
    assert versions == {"v1", "apps/v1", "networking.k8s.io/v1", "policy/v1"}


def test_the_namespace_is_the_only_object_of_the_cluster() -> None:
    objects = api_objects(folder("cluster", dev_access=True))
    assert [each["kind"] for each in objects if "namespace" not in each["metadata"]] == ["Namespace"]


def test_the_kustomization_lists_every_file_except_secrets_and_itself() -> None:
    files = folder("kind")
    [kustomization] = files["kustomization.yaml"]
    assert {*kustomization["resources"]} == files.keys() - {
        "kustomization.yaml",
        "secrets.example.yaml",
        "kind-cluster.yaml",
    }
    assert not any(each["kind"] == "Secret" for name in kustomization["resources"] for each in files[name])


def test_rendering_is_deterministic() -> None:
    folder.cache_clear()
    first = {name: to_yaml(documents) for name, documents in folder("kind").items()}
    folder.cache_clear()
    assert {name: to_yaml(documents) for name, documents in folder("kind").items()} == first


def test_the_stack_of_the_contract_suite_can_be_rendered() -> None:
    """Profile kind also needs a gateway, which that stack does not have."""
    stack = with_secret(small_stack("shop", image="tiny:1", port=21001), "store-1", Path("/nowhere/word"))
    objects = api_objects(manifests(stack, RenderOptions(profile="cluster")))
    pods = {name: each["spec"]["template"]["spec"] for name, each in of_kind(objects, "Deployment").items()}
    assert [each["name"] for each in pods["store-0"]["containers"]] == ["store-0", "relay"]
    assert [each["name"] for each in pods["store-1"]["containers"]] == ["store-1"]
    assert problems(objects) == []
