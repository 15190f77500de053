"""Equal services are the pods of one StatefulSet; what shares a network is in the same pod."""

from __future__ import annotations

import pytest

from nexusdev.errors import InvalidConfig
from nexusdev.runtimes.kubernetes.render.pod_groups import own_name_as_variable
from tests.unit.runtimes.kubernetes.render.conftest import GOOD, StackFolder, container

_SIDECAR = """\
  exporter-0:
    <<: *hardened
    image: exporter:1
    network_mode: service:db-0
    x-nexusdev: {component: monitoring, group: exporter, ordinal: 0}
"""


def test_a_group_is_a_stateful_set_and_a_single_service_a_deployment(stack_folder: StackFolder) -> None:
    objects = stack_folder.render()
    assert objects["StatefulSet/db"]["spec"]["replicas"] == 2
    assert objects["StatefulSet/db"]["spec"]["podManagementPolicy"] == "Parallel"
    assert objects["Deployment/keys"]["spec"]["strategy"] == {"type": "Recreate"}
    assert objects["Deployment/gateway"]["spec"]["strategy"]["type"] == "RollingUpdate"
    assert "PodDisruptionBudget/db" in objects
    assert "PodDisruptionBudget/keys" not in objects


def test_the_own_name_of_a_member_is_the_name_of_its_pod(stack_folder: StackFolder) -> None:
    env = {each["name"]: each for each in container(stack_folder.render(), "StatefulSet/db")["env"]}
    assert env["NODE"] == {"name": "NODE", "value": "$(POD_NAME)"}
    assert env["SEEDS"]["value"] == "db-0,db-1"
    assert next(iter(env)) == "POD_NAME"


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (("same", "same"), "same"),
        (("https://db-0:1", "https://db-1:1"), "https://$(POD_NAME):1"),
        (("$(cat x)", "$(cat x)"), "$$(cat x)"),
        (("one", "two"), None),
        (("db-0", "db-0x"), None),
    ],
)
def test_member_values_become_one_template(values: tuple[str, str], found: str | None) -> None:
    assert own_name_as_variable(values, ("db-0", "db-1")) == found


def test_a_sidecar_is_a_container_of_every_pod(stack_folder: StackFolder) -> None:
    text = (
        GOOD + _SIDECAR + _SIDECAR.replace("exporter-0", "exporter-1").replace("db-0", "db-1").replace("l: 0", "l: 1")
    )
    containers = stack_folder.render(text)["StatefulSet/db"]["spec"]["template"]["spec"]["containers"]
    assert [each["name"] for each in containers] == ["db", "exporter"]


def test_a_sidecar_of_a_single_member_is_refused(stack_folder: StackFolder) -> None:
    with pytest.raises(InvalidConfig, match=r"services.db-1: db-1 has no sidecar exporter"):
        stack_folder.render(GOOD + _SIDECAR)


def test_each_group_comes_after_those_that_it_depends_on(stack_folder: StackFolder) -> None:
    text = GOOD.replace("    image: db:1\n", "    image: db:1\n    depends_on: [keys]\n")
    [kustomization] = stack_folder.files(text)["kustomization.yaml"]
    assert kustomization["resources"][2:] == ["keys/keys.yaml", "db/db.yaml", "gateway/gateway.yaml"]
