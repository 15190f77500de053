"""The engine as a person with the docker command would use it: the tests break things with it, and count what is left."""

from __future__ import annotations

from typing import Any

from tests.integration.conftest import Project, variables_of


def client() -> Any:
    import docker

    return docker.from_env(timeout=60)


def base_image() -> str:
    """Any small image that is present."""
    return image("base")


def image(name: str) -> str:
    """One of the stack's images; every one is present when the session's instance is."""
    return next(str(tag) for each in client().images.list() for tag in each.tags if f"nexusdev/{name}:" in tag)


def instance_of(project: Project) -> str:
    """The instance's name, as nexusdev itself says it: in the env file, which costs no process, else by ``status``."""
    import json

    written: str = variables_of(project).get("NEXUSDEV_INSTANCE", "")
    return written or str(json.loads(project.run("status", "--json").out)["instance"])


def container(project: Project, service: str) -> Any:
    """The container of a service, running or not."""
    found = client().containers.list(
        all=True,
        filters={"label": [f"dev.nexus.instance={instance_of(project)}", f"com.docker.compose.service={service}"]},
    )
    assert len(found) == 1, f"{service}: {found}"
    return found[0]


def left_of(instance: str) -> dict[str, list[str]]:
    """Everything of the instance: what carries its label, and the volumes of its Compose project, of which Compose itself may have made some."""
    engine, label = client(), {"label": f"dev.nexus.instance={instance}"}
    projects = {"label": f"com.docker.compose.project=nexusdev-{instance}"}
    return {
        "containers": sorted(item.name for item in engine.containers.list(all=True, filters=label)),
        "networks": sorted(item.name for item in engine.networks.list(filters=label)),
        "volumes": sorted(item.name for item in engine.volumes.list(filters=projects)),
    }


def services_of(instance: str) -> list[str]:
    """The services that have a container."""
    return sorted(item.labels["com.docker.compose.service"] for item in _containers(instance))


def services_of_compose(instance: str) -> list[str]:
    """The running services of the Compose project of the instance; Compose gives its containers no other labels."""
    project = {"label": f"com.docker.compose.project=nexusdev-{instance}"}
    return sorted(item.labels["com.docker.compose.service"] for item in client().containers.list(filters=project))


def started_at(instance: str) -> dict[str, str]:
    """Container id → start time: equal before and after means that nothing was touched."""
    return {item.name: f"{item.id} {item.attrs['State']['StartedAt']}" for item in _containers(instance)}


def _containers(instance: str) -> list[Any]:
    found: list[Any] = client().containers.list(all=True, filters={"label": f"dev.nexus.instance={instance}"})
    return found


def node_with_role(project: Project, *roles: str) -> str:
    """The service that ``status`` gives one of these roles."""
    for row in project.run("status", "--json").data["nodes"]:
        if row["role"] in roles:
            return str(row["service"])
    raise AssertionError(f"no node is {' or '.join(roles)}")
