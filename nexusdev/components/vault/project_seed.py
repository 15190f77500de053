"""Applies the project's seed: ``seed/vault/<path>.yaml`` (or .json) to secret/<path>, ``policies/<name>.hcl`` to a policy.

A secret is written once per hash of its file: what the application changes afterwards stays, until the file changes. A policy is
written whenever it differs, and given to the application's role, so that what a project opens is open to its application.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from nexusdev.components.contract import Change, SeedFile
from nexusdev.components.vault import desired_state, kv, names
from nexusdev.components.vault.client import Api
from nexusdev.components.vault.seed import unreachable
from nexusdev.components.vault.tokens import issue, operator, policies_of
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess

MARK = "nexusdev-seed-sha256"
_DATA = (".yaml", ".yml", ".json")


def apply(api: Api, access: InstanceAccess, files: Sequence[SeedFile]) -> Sequence[Change]:
    """Apply what is new or changed. All files are read before the first one is applied."""
    policies = {_policy_name(each): each.content.decode() for each in files if _is_policy(each)}
    data = {_secret_path(each): (each, _document(each)) for each in files if not _is_policy(each)}
    if not files:
        return []
    try:
        with operator(api, access) as as_operator:
            changes = [*_policies(as_operator, policies)]
            for path, (file, content) in data.items():
                changes += _secret(as_operator, path, file, content)
        if not set(policies) <= policies_of(api, access.secrets):
            issue(api, access.secrets)
        return changes
    except OSError as error:
        raise unreachable(error) from error


def _policies(api: Api, policies: dict[str, str]) -> Iterator[Change]:
    for name, text in policies.items():
        yield from desired_state.policy(api, name, text)
    if policies:
        yield from desired_state.attach(api, names.APP, list(policies))


def _secret(api: Api, path: str, file: SeedFile, content: dict[str, Any]) -> list[Change]:
    marks = kv.mark(api, path)
    if marks.get(MARK) == file.sha256:
        return []
    api.need("POST", f"secret/data/{path}", {"data": content})
    kv.set_mark(api, path, {**marks, MARK: file.sha256})
    return [Change(what=f"wrote secret/{path} from {file.path}")]


def _inner(file: SeedFile) -> PurePosixPath:
    return PurePosixPath(file.path.removeprefix("vault/"))


def _is_policy(file: SeedFile) -> bool:
    return _inner(file).suffix == ".hcl"


def _policy_name(file: SeedFile) -> str:
    inner = _inner(file)
    if inner.parent.as_posix() != "policies" or inner.stem.startswith("nexus-") or inner.stem in ("root", "default"):
        raise _unusable(
            file, "policies must be seed/vault/policies/NAME.hcl, and NAME must not be nexus-…, root or default"
        )
    return inner.stem.lower()


def _secret_path(file: SeedFile) -> str:
    inner = _inner(file)
    if inner.suffix not in _DATA:
        raise _unusable(file, f"the file must end in one of {', '.join(_DATA)}, or be policies/NAME.hcl")
    if inner.parts[0] in names.FOLDERS.values():
        raise _unusable(
            file, f"secret/{inner.parts[0]}/ is reserved for nexusdev; use another folder, for example seed/vault/app/"
        )
    return inner.with_suffix("").as_posix()


def _document(file: SeedFile) -> dict[str, Any]:
    """The file as a mapping, whatever its values are."""
    try:
        document = json.loads(file.content) if file.path.endswith(".json") else _yaml(file.content)
    except ValueError as error:
        raise _unusable(file, str(error)) from error
    if not isinstance(document, dict):
        raise _unusable(file, "it must be a mapping of names to values")
    return document


def _yaml(content: bytes) -> Any:
    import yaml

    try:
        return yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def _unusable(file: SeedFile, why: str) -> SeedingFailed:
    return SeedingFailed(f"failed to apply {file.path} to Vault", why=why, hint=f"edit {file.path}, then nexusdev seed")
