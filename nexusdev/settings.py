"""The settings and their origins: flag > NEXUSDEV_<KEY> > nexusdev.toml (or [tool.nexusdev]) > user config > default.

    instance       name of the instance; default: made from the project folder's path
    runtime        where it runs: a name of runtimes/registry.py. An instance stays on the runtime that it was made on
    timeout        how long ``up`` and ``wait`` wait in all: seconds, or '90s', '10m', '1h30m'
    env_file       the file that ``up`` writes, relative to the project folder. Not .env: that one is usually kept by hand
    seed           the project's own seed folder, relative to the project folder
    image_sources  from where missing images come, in this order: 'registry', 'build'
    offline        use only images that the engine has
    parallel       how many containers start at the same time
    strict         fail where an optional service is not available
    profile        the part of the stack that ``up`` brings up: 'full', 'core', 'lite'; default: as the last time, at first full
    context        the cluster of the runtime kubernetes, as the kubeconfig names it. The current one is never used unasked
    namespace      where in that cluster; default: nexusdev-INSTANCE, which ``up`` makes and ``destroy`` deletes
    storage_class  class of its data volumes; default: the cluster's own
    storage_size   size of a data volume there: '2Gi'
    reach          how this machine reaches it: 'forward', 'node-port', 'load-balancer'
    registry       where its nodes get the images from: host[:port][/path]; ``up`` and ``images push`` put them there
    pull_secret    name of the secret with which its nodes log in to the registry
    include        compose files of the project's own services, relative to the project folder; in the table ``stack`` of a file

An unknown key or a wrong value is InvalidConfig with file, line and the nearest known key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from nexusdev.errors import InvalidConfig
from nexusdev.instance.naming import NAME, has_table
from nexusdev.runtimes import registry
from nexusdev.util.home import ANOTHERS_HOME, current_folder, expanded, home_folder

PREFIX = "NEXUSDEV_"
_SWITCH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


# Named tuples, because the fast path of `env` reads them too: importing msgspec would add a third to its duration.
_LARGEST_POOL, _NEEDED_POOL = 8, 24
_REGISTRY = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"


class Settings(NamedTuple):
    """All settings with their final values; paths are absolute, times in seconds.

    Attributes:
        origins: Key → where its value comes from: ``default``, ``--timeout``, ``NEXUSDEV_TIMEOUT``, ``nexusdev.toml:3``.
    """

    instance: str = ""
    runtime: str = registry.DEFAULT
    timeout: float = 300.0
    env_file: Path = Path(".env.nexusdev")
    seed: Path = Path("seed")
    image_sources: tuple[str, ...] = ("registry", "build")
    offline: bool = False
    parallel: int = 4
    strict: bool = False
    profile: str = ""
    subnet: str = ""
    context: str = ""
    namespace: str = ""
    storage_class: str = ""
    storage_size: str = ""
    reach: str = "forward"
    registry: str = ""
    pull_secret: str = ""
    include: tuple[Path, ...] = ()
    origins: Mapping[str, str] = MappingProxyType({})

    def rows(self) -> Iterator[tuple[str, Any, str]]:
        """Key, value and origin of each setting, in the order of the table above."""
        for key in KEYS:
            yield key, getattr(self, key), self.origins.get(key, "default")


class _Wrong(ValueError):
    """A value that cannot be used; its text completes 'key must be …'. ``known``: the values to choose from, where they are few."""

    def __init__(self, text: str, known: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.known = known


def _name(value: object) -> str:
    if isinstance(value, str) and NAME.fullmatch(value):
        return value
    raise _Wrong("1 to 32 of a-z, 0-9 and -, starting and ending with a letter or digit")


def _runtime(value: object) -> str:
    known = registry.names()
    if isinstance(value, str) and value in known:
        return value
    raise _Wrong(registry.words(), known)


def _seconds(value: object) -> float:
    if type(value) is int and 0 < value < 10**9:
        return float(value)  # without an import, because the fast path of `env` reads the settings too
    from nexusdev.util import durations

    try:
        seconds = durations.parse(str(value))
    except ValueError:
        seconds = 0.0
    if seconds > 0:
        return seconds
    raise _Wrong("a time above zero: seconds, or '90s', '10m', '1h30m'")


def _path(value: object) -> Path:
    if isinstance(value, (str, Path)) and str(value):
        return expanded(value)
    raise _Wrong("a path")


def _sources(value: object) -> tuple[str, ...]:
    items = [each.strip() for each in value.split(",")] if isinstance(value, str) else value
    if (
        isinstance(items, (list, tuple))
        and items
        and set(items) <= {"registry", "build"}
        and len(set(items)) == len(items)
    ):
        return tuple(items)
    raise _Wrong("a list of 'registry' and 'build', each at most once")


def _paths(value: object) -> tuple[Path, ...]:
    items = [each.strip() for each in value.split(",")] if isinstance(value, str) else value
    if isinstance(items, (list, tuple)) and all(isinstance(each, (str, Path)) and str(each) for each in items):
        return tuple(expanded(each) for each in items)
    raise _Wrong("a list of paths")


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _SWITCH:
        return _SWITCH[value.lower()]
    raise _Wrong("true or false")


def _count(value: object) -> int:
    if not isinstance(value, bool) and re.fullmatch(r"[1-9]\d?", str(value)):
        return int(str(value))
    raise _Wrong("a number from 1 to 99")


def _subnet(value: object) -> str:
    import ipaddress  # the fast path of `env` reads the settings too

    try:
        network = ipaddress.IPv4Network(str(value))
    except ValueError:
        network = None
    if network and network.is_private and _LARGEST_POOL <= network.prefixlen <= _NEEDED_POOL:
        return str(network)
    raise _Wrong("a private range of IPv4 addresses such as 172.30.0.0/16, from /8 to /24")


def _text(value: object) -> str:
    if isinstance(value, str) and value.strip() and value.isprintable() and not value.startswith("-"):
        return value
    raise _Wrong("a name as the kubeconfig has it")


def _label(value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", value):
        return value
    raise _Wrong("1 to 63 of a-z, 0-9 and -, starting and ending with a letter or digit")


def _object(value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", value):
        return value
    raise _Wrong("a name of a-z, 0-9, - and ., starting and ending with a letter or digit")


def _size(value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"[1-9]\d{0,9}(Mi|Gi|Ti|M|G|T)", value):
        return value
    raise _Wrong("a size such as '500Mi' or '10Gi'")


def _reach(value: object) -> str:
    from nexusdev.runtimes.options import REACHES

    if isinstance(value, str) and value in REACHES:
        return value
    raise _Wrong(" or ".join(REACHES), REACHES)


def _registry(value: object) -> str:
    if isinstance(value, str) and re.fullmatch(_REGISTRY, value.rstrip("/")):
        return value.rstrip("/")
    raise _Wrong("a registry such as registry.example.com:5000/team, without https:// and in lower case")


KEYS: Mapping[str, Callable[[object], Any]] = {
    "instance": _name,
    "runtime": _runtime,
    "timeout": _seconds,
    "env_file": _path,
    "seed": _path,
    "image_sources": _sources,
    "offline": _switch,
    "parallel": _count,
    "strict": _switch,
    "profile": _name,
    "subnet": _subnet,
    "context": _text,
    "namespace": _label,
    "storage_class": _object,
    "storage_size": _size,
    "reach": _reach,
    "registry": _registry,
    "pull_secret": _object,
    "include": _paths,
}
# In a settings file these settings are in a table: ``[stack] include = […]``.
_TABLES: Mapping[str, str] = {"include": "stack"}
assert set(KEYS) == set(Settings._fields) - {"origins"}  # noqa: S101 - a programming error, found by every test


class _Found(NamedTuple):
    """A value as it was given. ``base``: the folder that a relative path starts from."""

    value: object
    origin: str
    base: Path


def load(
    project: Path,
    *,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] = os.environ,
    user_config: Path | None = None,
) -> Settings:
    """Return the settings for a project folder.

    Args:
        project: The project folder.
        flags: Key → value of the command line's flags; None for a flag that was not given. Relative paths start from the current folder.
        environ: The environment.
        user_config: The user's file; None for the usual one (``~/.config/nexusdev/config.toml``).

    Raises:
        InvalidConfig: A file, a variable or a flag has an invalid value.
    """
    found: dict[str, _Found] = {}
    if file := user_config or _user_config():
        found.update(_from_file(file, (), project))
    found.update(_from_project(project))
    found.update(_from_environment(environ, project))
    found.update(_from_flags(flags or {}))
    defaults = {
        key: _Found(value=Settings._field_defaults[key], origin="default", base=project) for key in ("env_file", "seed")
    }
    values = {key: _checked(key, each) for key, each in {**defaults, **found}.items()}
    chosen = Settings(**values, origins={key: each.origin for key, each in found.items()})
    _refuse_unused(chosen)
    return chosen


def _refuse_unused(chosen: Settings) -> None:
    """Refuse a flag that the runtime would ignore: the user means another runtime. A value of a file may be meant for another instance."""
    for key in ("context", "namespace"):
        if chosen.origins.get(key, "").startswith("--") and not registry.takes_options(chosen.runtime):
            origin = chosen.origins.get("runtime", "default")
            raise InvalidConfig(
                f"{chosen.origins[key]} is not used by the runtime {chosen.runtime}",
                why=f"runtime is {chosen.runtime} ({origin})",
                hint=f"nexusdev --runtime kubernetes --{key} {getattr(chosen, key)} …",
            )


def _from_flags(flags: Mapping[str, object]) -> Mapping[str, _Found]:
    given = {_known(key, "flag"): value for key, value in flags.items() if value is not None}
    paths = any(KEYS[key] is _path for key in given)
    base = current_folder() if paths else Path("/")
    return {key: _Found(value=value, origin=f"--{key.replace('_', '-')}", base=base) for key, value in given.items()}


def _from_environment(environ: Mapping[str, str], project: Path) -> Mapping[str, _Found]:
    """NEXUSDEV_<KEY>. Other variables with this prefix are ignored, unless they differ from a key by one letter."""
    found = {}
    for name, value in environ.items():
        key = name.removeprefix(PREFIX).lower()
        if not name.startswith(PREFIX) or not value:
            continue
        if key in KEYS:
            found[key] = _Found(value=value, origin=name, base=project)
        elif near := _typo(key):
            raise _unknown(name, "the environment", f"{PREFIX}{near.upper()}")
    return found


def _from_project(project: Path) -> Mapping[str, _Found]:
    """nexusdev.toml, or [tool.nexusdev] of pyproject.toml; both at once would be two truths."""
    own, pyproject = project / "nexusdev.toml", project / "pyproject.toml"
    if not has_table(pyproject):
        return _from_file(own, (), project)
    if own.is_file():
        raise InvalidConfig(
            f"two configuration files: {own} and [tool.nexusdev] in {pyproject}", hint="keep one of them"
        )
    return _from_file(pyproject, ("tool", "nexusdev"), project)


def _from_file(file: Path, table: tuple[str, ...], base: Path) -> Mapping[str, _Found]:
    try:
        if not file.is_file():
            return {}
        import tomllib

        text = file.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except PermissionError as error:
        raise InvalidConfig(f"failed to read {file}", why="permission denied", hint=ANOTHERS_HOME) from error
    except (OSError, ValueError) as error:
        raise InvalidConfig(f"failed to read {file}", why=str(error)) from error
    for name in table:
        values = values.get(name, {})
    found: dict[str, _Found] = {}
    for path, key, value in _flat(values, file, text, table):
        line = _line(text, path, key)
        _require_table(key, path[len(table) :], f"{file}:{line}")
        found[key] = _Found(value=value, origin=f"{file.name}:{line}", base=base)
    return found


def _flat(
    values: Mapping[str, Any], file: Path, text: str, table: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str, object]]:
    """The table, key and value of each setting of a file. InvalidConfig for an unknown one."""
    for key, value in values.items():
        if key in _TABLES.values() and isinstance(value, dict):
            yield from ((path, name, each) for path, name, each in _flat(value, file, text, (*table, key)))
        else:
            yield table, _known(key, f"{file}:{_line(text, table, key)}"), value


def _require_table(key: str, path: tuple[str, ...], place: str) -> None:
    """Refuse a setting outside its table."""
    wanted = _TABLES.get(key, "")
    if "".join(path) != wanted:
        where = f"in the table [{wanted}]" if wanted else "at the top of the file, outside every table"
        raise InvalidConfig(
            f"{place}: {key} must be {where}", hint="nexusdev config show   all settings and where each comes from"
        )


def _line(text: str, table: tuple[str, ...], key: str) -> int:
    """The line on which a key of a table is set, counted from 1 (tomllib keeps no positions)."""
    inside = not table
    header = re.compile(r"\s*\[\s*" + r"\s*\.\s*".join(map(re.escape, table)) + r"\s*[\].]")
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("["):
            inside = not table or bool(header.match(line))
        if inside and re.match(rf"""\s*(\[.*)?["']?{re.escape(key)}["']?\s*[=.\]]""", line):
            return number
    return 1


def _known(key: str, place: str) -> str:
    if key in KEYS:
        return key
    raise _unknown(key, place, _nearest(key.replace("-", "_"), KEYS))


def _typo(key: str) -> str:
    from nexusdev.util.nearest import typo_of

    return typo_of(key, KEYS)


def _nearest(word: str, known: Collection[str]) -> str:
    from nexusdev.util.nearest import nearest

    return next(iter(nearest(word, known)), "")


def _unknown(key: str, place: str, near: str) -> InvalidConfig:
    return InvalidConfig(
        f"{place}: unknown setting {key!r}",
        why=f"did you mean {near}?" if near else "",
        hint="nexusdev config show   all settings and where each comes from",
        evidence=(f"known: {', '.join(KEYS)}",),
    )


def checked(key: str, value: object, *, origin: str) -> Any:
    """Return a value that a command got as an argument, as that of a setting.

    Args:
        key: The setting.
        value: What was given.
        origin: Where, for the error.

    Raises:
        InvalidConfig: The setting cannot have this value.
    """
    return _checked(key, _Found(value=value, origin=origin, base=current_folder()))


def _checked(key: str, found: _Found) -> Any:
    try:
        value = KEYS[key](found.value)
    except _Wrong as wrong:
        raise _refused(key, found, wrong) from wrong
    if key == "include":
        return tuple(found.base / each for each in value)
    return found.base / value if isinstance(value, Path) else value


def _refused(key: str, found: _Found, wrong: _Wrong) -> InvalidConfig:
    near = _nearest(str(found.value), wrong.known)
    return InvalidConfig(
        f"{found.origin}: {key} must be {wrong}",
        why=f"it is {found.value!r}" + (f"; did you mean {near}?" if near else ""),
        hint="nexusdev config show   all settings and where each comes from",
        evidence=(f"known: {', '.join(wrong.known)}",) if wrong.known else (),
    )


def _user_config() -> Path | None:
    """The platform's place for it; None where no home folder is known."""
    if not os.environ.get("XDG_CONFIG_HOME") and home_folder() is None:
        return None
    from platformdirs import user_config_path

    return user_config_path("nexusdev", appauthor=False) / "config.toml"
