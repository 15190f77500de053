"""Loads a Stack from a compose file and its includes, and rejects everything that is not supported.

The accepted subset of Compose is in ``schema`` and, for users, in ``docs/compose-subset.md``. Nothing is ever ignored.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from nexusdev.stack import schema, values
from nexusdev.stack.checks import check_own_secret, check_recipes, check_services
from nexusdev.stack.document import MappingNode, SourcePosition, Value, config_error, read
from nexusdev.stack.groups import check_groups
from nexusdev.stack.model import Allocations, Network, Secret, SecretRecipe, Stack
from nexusdev.stack.own_service_files import Platform, read_own_services
from nexusdev.stack.profiles import Profiles, read_profiles
from nexusdev.stack.services import NAME, Declared, read_service

_SECTIONS = ("services", "networks", "volumes", "secrets", "configs")
_ORIGINS = ("password", "key", "text", "jwt", "certificate", "runtime")

T = TypeVar("T")
_NONE: tuple[Value, ...] = ()
_Sections = dict[str, dict[str, Value]]


def load(
    path: Path | str,
    environment: Mapping[str, str],
    *,
    include: Sequence[Path] = (),
    allocations: Allocations | None = None,
) -> Stack:
    """Load the stack from a compose file and the files that it includes.

    Args:
        path: The outermost file.
        environment: Variable → value, for ``${…}``. The environment of this process is not read.
        include: Files with own services of the project, which are added to the platform's.
        allocations: Numbers that were allocated to own services before; None for none.

    Returns:
        The validated stack.

    Raises:
        InvalidConfig: A file is invalid, or a config file does not exist; the error has file, line, key and what is allowed. Secrets and
            files below NEXUS_STATE need not exist.
    """
    file = Path(path).absolute()
    root = read(file, environment)
    sections: _Sections = {section: {} for section in _SECTIONS}
    compose_files = [file, *_gather(root, environment, sections, (file,))]
    members = schema.table(root, "top level", required=("name", "networks"))
    network = _network(sections["networks"], root)
    platform = {section: tuple(entries) for section, entries in sections.items()}
    _gather_own(include, environment, sections)
    secrets = {name: _secret(name, value) for name, value in sections["secrets"].items()}
    check_recipes(secrets, sections["secrets"])
    declared = _declared(sections, environment, network, secrets)
    given = (each for each in declared.configs.values() if not _is_made_later(each, environment))
    services = {name: read_service(name, sections["services"][name], declared) for name in platform["services"]}
    profiles = read_profiles(members["x-nexusdev"], services) if "x-nexusdev" in members else Profiles()
    own = read_own_services(
        _without(sections["services"], platform["services"]),
        _of_own_files(declared, sections, platform, secrets, state=environment.get("NEXUS_STATE", "")),
        Platform(services=services, network=network, environment=environment),
        allocations or Allocations(),
    )
    services = {**services, **own.services}
    check_services(services, sections["services"], network)
    check_groups(services, sections["services"])
    return Stack(
        project=_project(members["name"]),
        network=network,
        services=services,
        volumes=tuple(declared.volumes),
        secrets={**secrets, **own.secrets},
        configs=declared.configs,
        live=frozenset(name for name, value in sections["configs"].items() if _is_live(value)),
        profiles={name: (*components, *own.services) for name, components in profiles.parts.items()},
        single=profiles.single,
        file=file,
        made_of=(*compose_files, *include, *given),
        allocations=own.allocations,
    )


def _declared(
    sections: _Sections, environment: Mapping[str, str], network: Network, secrets: Mapping[str, Secret]
) -> Declared:
    """Return what services may refer to: volumes, configs and secrets by name."""
    return Declared(
        network=network.name,
        volumes={name: _volume(value) for name, value in sections["volumes"].items()},
        configs={name: _config(value, environment) for name, value in sections["configs"].items()},
        secrets={name: secret.file for name, secret in secrets.items()},
    )


def _gather_own(include: Sequence[Path], environment: Mapping[str, str], sections: _Sections) -> None:
    """Collect the sections of the project's own files after the platform's."""
    platform = set(sections["services"])
    for file in include:
        root = read(file, environment)
        members = schema.table(root, "top level of an own file")
        for section in _SECTIONS:
            if section in members:
                _refuse_names_of_the_platform(section, members[section], platform)
                _add(sections[section], members[section])


def _without(section: Mapping[str, T], names: Collection[str]) -> dict[str, T]:
    return {name: item for name, item in section.items() if name not in names}


def _of_own_files(
    declared: Declared,
    sections: _Sections,
    platform: Mapping[str, Collection[str]],
    secrets: Mapping[str, Secret],
    *,
    state: str,
) -> Declared:
    """Return the declarations that own services may refer to: those of their own files. They cannot mount passwords of the platform."""
    own = _without(secrets, platform["secrets"])
    for name, secret in own.items():
        check_own_secret(secret, own, sections["secrets"][name], state)
    return Declared(
        network=declared.network,
        volumes=_without(declared.volumes, platform["volumes"]),
        configs=_without(declared.configs, platform["configs"]),
        secrets=_without(declared.secrets, platform["secrets"]),
    )


def _refuse_names_of_the_platform(section: str, value: Value, platform: Collection[str]) -> None:
    """Reject a name that the platform uses. The error "declared twice" would name a file that the user does not know."""
    for name, item in values.entries(value).items() if section == "services" else ():
        if name in platform:
            raise config_error(
                item.position, f"{name} is a name of the platform", why="choose another name for your service"
            )


def _gather(
    root: MappingNode, environment: Mapping[str, str], sections: _Sections, chain: tuple[Path, ...]
) -> list[Path]:
    """Collect the sections of a file after those of its includes, in the order of the file. Returns the included files."""
    members = schema.table(root, "top level")
    files = []
    for item in values.optional(members, "include", values.items, _NONE):
        target = schema.table(item, "include", required=("path",))["path"] if isinstance(item, MappingNode) else item
        file = (root.position.file.parent / values.text(target, "a path")).resolve()
        if file in chain:
            raise config_error(item.position, f"include cycle: {' → '.join(each.name for each in (*chain, file))}")
        if not file.is_file():
            raise config_error(item.position, f"{file} does not exist")
        included = read(file, environment)
        for key in ("name", "networks", "x-nexusdev"):
            if key in included.items:
                raise config_error(included.keys[key], f"{key} is only allowed in the top-level file, {chain[0].name}")
        files += [file, *_gather(included, environment, sections, (*chain, file))]
    for section in _SECTIONS:
        if section in members:
            _add(sections[section], members[section])
    return files


def _add(section: dict[str, Value], value: Value) -> None:
    for name, item in values.entries(value).items():
        if name in section:
            raise config_error(
                item.position,
                f"{name} is declared twice",
                why=f"first in {section[name].position.file}:{section[name].position.line}",
            )
        section[name] = item


def _project(value: Value) -> str:
    name = values.text(value)
    if not NAME.fullmatch(name):
        raise config_error(value.position, f"invalid project name {name!r}", why="lower case letters, digits and -")
    return name


def _network(networks: Mapping[str, Value], root: MappingNode) -> Network:
    if len(networks) != 1:
        raise config_error(root.keys["networks"], f"must declare exactly one network, not {len(networks)}")
    [(name, value)] = networks.items()
    ipam = schema.table(value, "network", required=("ipam",))["ipam"]
    config = schema.table(ipam, "ipam of a network", required=("config",))["config"]
    if len(values.items(config)) != 1:
        raise config_error(config.position, "must contain one mapping")
    [only] = values.items(config)
    members = schema.table(only, "ipam config of a network", required=("subnet",))
    subnet = members["subnet"]
    try:
        prefix = ipaddress.IPv4Network(values.text(subnet)).prefixlen
    except ValueError:
        prefix = 0
    if prefix != 24:  # noqa: PLR2004 - the /24 of the design
        raise config_error(subnet.position, f"{values.text(subnet)!r} is not a /24 such as 10.213.0.0/24")
    return Network(name=name, subnet=values.text(subnet), ip_range=_ip_range(members, values.text(subnet)))


def _ip_range(members: Mapping[str, Value], subnet: str) -> str:
    if "ip_range" not in members:
        return ""
    text = values.text(members["ip_range"])
    try:
        inside = ipaddress.IPv4Network(text).subnet_of(ipaddress.IPv4Network(subnet))
    except ValueError:
        inside = False
    if not inside:
        raise config_error(members["ip_range"].position, f"{text!r} is not a part of {subnet}")
    return text


def _volume(value: Value) -> SourcePosition:
    schema.table(value, "volume")
    return value.position


def _config(value: Value, environment: Mapping[str, str]) -> Path:
    """Return the path of a config file, which must exist. Only files in the state folder are created later, as secrets are."""
    members = schema.table(value, "config", required=("file",))
    file = (value.position.file.parent / values.text(members["file"], "a path")).resolve()
    if not file.is_file() and not _is_made_later(file, environment):
        raise config_error(members["file"].position, f"{file} does not exist or is not a file")
    return file


def _is_made_later(config: Path, environment: Mapping[str, str]) -> bool:
    state = environment.get("NEXUS_STATE", "")
    return bool(state) and config.is_relative_to(Path(state).resolve())


def _is_live(config: Value) -> bool:
    members = schema.table(config, "config")
    if "x-nexusdev" not in members:
        return False
    return values.optional(schema.table(members["x-nexusdev"], "x-nexusdev of a config"), "live", values.boolean, False)


def _secret(name: str, value: Value) -> Secret:
    members = schema.table(value, "secret", required=("file", "x-nexusdev"))
    file = value.position.file.parent / values.text(members["file"], "a path")
    return Secret(name=name, file=file, recipe=_recipe(members["x-nexusdev"]))


def _recipe(value: Value) -> SecretRecipe:
    members = schema.table(value, "x-nexusdev of a secret")
    origins = [key for key in _ORIGINS if key in members]
    if len(origins) != 1:
        raise config_error(value.position, f"needs exactly one recipe, not {len(origins)}", allowed=_ORIGINS)
    if "names" in members and "certificate" not in members:
        raise config_error(members["names"].position, "names can only be used with certificate")
    return SecretRecipe(
        password=values.optional(members, "password", lambda number: values.integer(number, least=8), 0),
        key=values.optional(members, "key", lambda number: values.integer(number, least=16), 0),
        text=values.optional(members, "text", values.text, ""),
        jwt=values.optional(members, "jwt", values.pairs, {}),
        certificate=values.optional(members, "certificate", values.text, ""),
        names=values.optional(members, "names", values.texts, ()),
        runtime=values.optional(members, "runtime", values.boolean, False),
        live=values.optional(members, "live", values.boolean, False),
    )
