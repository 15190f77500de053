"""Outside of a runtime's own package nothing speaks of it: no engine words, no commands of Docker, no addresses of its networks.

That includes what runtimes share (``nexusdev/runtimes/*.py``). Each exception is listed with its reason. A file that no longer
needs its exception fails as well, so that the list stays true.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

PACKAGE = Path(__file__).parents[2] / "nexusdev"
RUNTIMES = PACKAGE / "runtimes"

WORDS: Mapping[str, re.Pattern[str]] = {
    "a command of Docker": re.compile(r"\bdocker [a-z]+"),
    "ids of containers": re.compile(r"\b(container_id|image_id|namespace_of|\.Id\b)"),
    "network namespaces": re.compile(r"\bnamespaces?\b", re.IGNORECASE),
    "networks of an engine": re.compile(r"\bsubnets?\b", re.IGNORECASE),
    "inspect words": re.compile(r"\b(inspect_container|HostConfig|NetworkSettings|data_root|storage_driver|cgroup)\b"),
    "what only an engine on this machine has": re.compile(r"\bcontainer is kept\b|\bss -ltnp\b|\bthe engine failed\b"),
    "the hosts file": re.compile(r"\bhosts file\b"),
    "objects of Kubernetes": re.compile(
        r"\b(kubectl|kubeconfig|PersistentVolumeClaims?|StatefulSets?|ConfigMaps?|NodePorts?|NetworkPolic(y|ies)|[Kk]ustomiz\w+)\b"
    ),
    "the planner's own values": re.compile(r"\b(Snapshot|DockerStep|FakeEngine|EngineFacts|is_paused|unpause)\b"),
}

# file → kind of word → why it may stay
ALLOWED: Mapping[str, Mapping[str, str]] = {
    "images/bundle.py": {
        "a command of Docker": "the bundle is the file format of docker save, which other tools read and write"
    },
    "env/formats.py": {
        "a command of Docker": "docker run --env-file is one of the readers of the env file, whatever runs the stack"
    },
    "runtimes/image_store.py": {
        "a command of Docker": "its archives are those of docker save, and its users are written as docker exec takes them",
        "ids of containers": "an image has an id in every image store; that of its tag may be another one",
    },
    "operations/env.py": {
        "a command of Docker": "the user's own container, started by docker run",
        "network namespaces": "the namespace of the user's own pods, for --format k8s-secret",
        "objects of Kubernetes": "--format k8s-secret writes for the user's kubectl, whatever runs the stack",
    },
    "cli/commands/env.py": {
        "a command of Docker": "the user's own container, started by docker run",
        "network namespaces": "the namespace of the user's own pods, for --format k8s-secret",
        "objects of Kubernetes": "help of --format k8s-secret, which writes for the user's kubectl",
    },
    "cli/options.py": {
        "network namespaces": "the namespace of the user's own pods, for --format k8s-secret, and that of the instance, for --namespace"
    },
    "cli/app.py": {"network namespaces": "the global option --namespace"},
    "context.py": {"network namespaces": "passes the setting namespace to the runtime"},
    "env/kubernetes_secrets.py": {
        "network namespaces": "the namespace of the user's own pods, for --format k8s-secret",
        "objects of Kubernetes": "an output format of env, which the user's kubectl reads",
    },
    "cli/commands/run.py": {"a command of Docker": "help of run --in about who can read a container's environment"},
    "cli/global_options.py": {
        "a command of Docker": "names the command whose option -v ours imitates",
        "network namespaces": "the global option --namespace",
    },
    "instance/state.py": {
        "a command of Docker": "compose.env is written for plain docker compose",
    },
    "instance/identity.py": {"a command of Docker": "the name that docker compose ls shows"},
    "instance/certificates.py": {
        "network namespaces": "a sidecar answers under the names of its server: shares, as the stack says"
    },
    "components/vault/companions.py": {"network namespaces": "VAULT_NAMESPACE is a variable of Vault's clients"},
    "cli/rendering/ports.py": {"networks of an engine": "a key of ports --json, which stays as it is"},
    "cli/commands/render.py": {"objects of Kubernetes": "help of render k8s, whose users apply what it writes"},
    "cli/commands/stack.py": {"networks of an engine": "help of up about the setting subnet"},
    "settings.py": {
        "networks of an engine": "the setting subnet, which a runtime understands or ignores",
        "network namespaces": "the setting namespace, which a runtime understands or ignores",
        "objects of Kubernetes": "the setting context is a name of the user's kubeconfig",
    },
    "deploy/prepare.py": {"networks of an engine": "passes the setting subnet to the runtime"},
    "doctor/instance_checks.py": {
        "networks of an engine": "passes the setting subnet to the runtime, whose check has that name"
    },
    "operations/ports.py": {"networks of an engine": "a key of ports --json, which stays as it is"},
    "stack/model.py": {
        "network namespaces": "the compose files say network_mode service:…, and the stack is what they say",
        "networks of an engine": "the compose files have ipam and fixed addresses",
        "the hosts file": "every name and address, which the Docker runtime writes there",
    },
    "stack/fingerprint.py": {"the hosts file": "addresses are part of what a service is made from; see CONTRIBUTING"},
    "stack/loader.py": {"networks of an engine": "the loader of the compose files' networks"},
    "stack/schema.py": {
        "networks of an engine": "a key of the compose files",
        "the hosts file": "why extra_hosts is refused",
    },
    "stack/checks.py": {
        "networks of an engine": "fixed addresses of the compose files must be free ones of their network"
    },
}

# file → why its texts may say engine: docstrings are for developers, strings and the help of commands for users
ENGINE_ALLOWED: Mapping[str, str] = {
    "cli/commands/run.py": "help of run --in about who can read a container's environment",
    "cli/rendering/version.py": "a key of version --json, which stays as it is",
    "doctor/runtime_checks.py": "the name of a check in doctor --json, which stays as it is",
    "stack/schema.py": "keys of the compose files that describe an engine",
}
_ENGINE = re.compile(r"\bengines?\b")


def is_module(path: Path) -> bool:
    """Whether it can be imported by a name of its own."""
    return (path.suffix == ".py" and path.name != "__init__.py") or (path / "__init__.py").exists()


def module(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def files() -> list[Path]:
    packages = [folder for folder in RUNTIMES.iterdir() if is_module(folder) and folder.is_dir()]
    return [file for file in sorted(PACKAGE.rglob("*.py")) if not any(file.is_relative_to(each) for each in packages)]


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_only_the_package_of_a_runtime_names_it(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    allowed = ALLOWED.get(str(file.relative_to(PACKAGE)), {})
    found = {kind: [match[0] for match in pattern.finditer(text)] for kind, pattern in WORDS.items()}
    assert {kind: words for kind, words in found.items() if words and kind not in allowed} == {}


def texts_for_users(file: Path) -> Iterator[str]:
    """The strings of a module, without docstrings; those of commands are their help."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    docstrings = set() if file.parent.name == "commands" else {id(node.value) for node in statements}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_only_the_runtime_tells_users_about_an_engine(file: Path) -> None:
    found = [text for text in texts_for_users(file) if _ENGINE.search(text)]
    assert bool(found) == (str(file.relative_to(PACKAGE)) in ENGINE_ALLOWED), found


@pytest.mark.parametrize("name", ALLOWED)
def test_the_list_of_exceptions_is_current(name: str) -> None:
    text = (PACKAGE / name).read_text(encoding="utf-8")
    assert [kind for kind in ALLOWED[name] if not WORDS[kind].search(text)] == []


def contract(name: str) -> Mapping[str, Any]:
    contracts = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    found: list[Mapping[str, Any]] = [each for each in contracts if each["name"] == name]
    assert len(found) == 1
    return found[0]


def modules_outside_runtimes() -> list[str]:
    """The modules of the package, and those that runtimes share."""
    top = [module(file) for file in PACKAGE.iterdir() if file.name != "runtimes" and is_module(file)]
    return top + [module(file) for file in RUNTIMES.iterdir() if file.suffix == ".py" and is_module(file)]


def test_the_import_contract_covers_every_other_module() -> None:
    found = contract("Nothing but a runtime's own package knows it")
    assert sorted(found["source_modules"]) == sorted(modules_outside_runtimes())
    assert found["forbidden_modules"] == ["nexusdev.runtimes.*.*"]


def test_the_import_contract_limits_the_docker_library_to_its_runtime() -> None:
    others = [module(each) for each in RUNTIMES.iterdir() if each.is_dir() and is_module(each)]
    found = contract("docker lives in the Docker runtime")
    expected = [*modules_outside_runtimes(), *others]
    assert sorted([*found["source_modules"], "nexusdev.runtimes.docker"]) == sorted(expected)
    assert found["forbidden_modules"] == ["docker"]
