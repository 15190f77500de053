"""The desired state of Vault, piece by piece: each is compared with the actual state, and written only where it differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from nexusdev.components.contract import Change
from nexusdev.components.vault import kv, names
from nexusdev.components.vault.client import Api
from nexusdev.interfaces import SecretStore
from nexusdev.util.humanize import pluralize
from nexusdev.util.slug import slug

#: Audit device → its file. Vault refuses requests that no device can log: the second is in memory, and works on a full disk.
AUDIT_FILES: Mapping[str, str] = {"file": "/data/audit/audit.log", "memory": "/tmp/audit.log"}  # noqa: S108 - the container's tmpfs
DAYS = 24 * 3600
APP_TOKEN_DAYS = 365

ROLES: Mapping[str, Mapping[str, Any]] = {
    # Valid for this long after its last renewal, and renewed by every seeding: an env file must stay valid over a holiday.
    names.APP: {"token_policies": [names.APP], "token_period": APP_TOKEN_DAYS * DAYS},
    # Logins to databases that a job asks for end with its token.
    names.MIGRATIONS: {"token_policies": [names.MIGRATIONS], "token_ttl": 3600, "token_max_ttl": 24 * 3600},
    names.OPERATOR: {"token_policies": [names.OPERATOR], "token_ttl": 900, "token_max_ttl": 3600},
}
# A node becomes a voter after it was healthy for this long (10 s by default); a short time makes the first start faster.
AUTOPILOT = {"server_stabilization_time": "2s"}


def settle(
    api: Api, secrets: SecretStore, wanted: Mapping[str, Mapping[str, str]], *, project: str = ""
) -> Iterator[Change]:
    """Create and update everything, dependencies first.

    Args:
        api: Vault, as the operator.
        secrets: The instance's secrets.
        wanted: Path below ``secret/`` → its data.
        project: The name of the project's folder.

    Yields:
        What was changed.
    """
    yield from _autopilot(api)
    yield from _audit(api)
    yield from mount(api, "mounts", "secret/", {"type": "kv", "options": {"version": "2"}})
    yield from mount(api, "auth", "approle/", {"type": "approle"})
    for name in ROLES:
        yield from policy(api, name, policy_text(name, project if name == names.APP else ""))
    yield from mount(api, "mounts", "transit/", {"type": "transit"})
    yield from _transit_key(api)
    for name, role in ROLES.items():
        yield from _role(api, name, role)
        yield from login_of(api, secrets, name)
    yield from credentials(api, wanted)


def credentials(api: Api, wanted: Mapping[str, Mapping[str, str]]) -> Iterator[Change]:
    """Write what differs, and destroy every former version, which has values that must no longer be readable.

    A write keeps the version before it, and a reader of the path may ask for that one as well.
    """
    for path, data in wanted.items():
        if kv.ensure(api, path, data):
            yield Change(what=f"wrote secret/{path}")
        if former := kv.destroy_former(api, path):
            yield Change(what=f"destroyed {pluralize(former, 'former version')} of secret/{path}")


def policy_text(name: str, project: str = "") -> str:
    """A policy of ours, from the files beside this one; the application's has its own folders, one of them named after the project."""
    text = _file(name)
    if name == names.APP:
        text += "".join("\n" + folder_policy(folder) for folder in own_folders(project))
    return text


def folder_policy(folder: str) -> str:
    """Return the rules for a folder below secret/ that its owner reads and writes."""
    return _file("own-folder").replace("FOLDER", folder)


def own_folders(project: str) -> tuple[str, ...]:
    """The folders below secret/ for the application's own secrets. A project does not open a folder of the platform by its name."""
    folder = slug(project)
    return (names.OWN_FOLDER, folder) if folder and folder not in names.TAKEN_FOLDERS else (names.OWN_FOLDER,)


def _file(name: str) -> str:
    return (files("nexusdev.components.vault") / "policies" / f"{name}.hcl").read_text(encoding="utf-8")


def policy(api: Api, name: str, text: str) -> Iterator[Change]:
    """A policy with exactly this text."""
    path = f"sys/policies/acl/{name}"
    present = api.find(path)
    if present is None or present.get("policy") != text:
        api.need("PUT", path, {"policy": text})
        yield Change(what=f"{'created' if present is None else 'changed'} policy {name}")


def attach(api: Api, role: str, policies: list[str]) -> Iterator[Change]:
    """Further policies for a role."""
    path = f"auth/approle/role/{role}"
    present = list((api.find(path) or {}).get("token_policies") or [])
    if missing := [each for each in policies if each not in present]:
        api.need("POST", path, {"token_policies": [*present, *missing]})
        yield Change(what=f"attached policies {', '.join(missing)} to {role}")


def login_of(api: Api, secrets: SecretStore, role: str) -> Iterator[Change]:
    """The role id and the secret id of the store are those of the server. Both are ours, so that no reply can be lost."""
    path, wanted = f"auth/approle/role/{role}", secrets.read(names.role_id(role))
    if (api.find(f"{path}/role-id") or {}).get("role_id") != wanted:
        api.need("POST", f"{path}/role-id", {"role_id": wanted})
        yield Change(what=f"set the role id of {role}")
    secret = {"secret_id": secrets.read(names.secret_id(role))}
    if not api.need("POST", f"{path}/secret-id/lookup", secret):
        api.need("POST", f"{path}/custom-secret-id", secret)
        yield Change(what=f"set the secret id of {role}")


def _autopilot(api: Api) -> Iterator[Change]:
    path = "sys/storage/raft/autopilot/configuration"
    present = api.find(path) or {}
    if any(present.get(key) != value for key, value in AUTOPILOT.items()):
        api.need("POST", path, AUTOPILOT)
        yield Change(what="set the stabilization time of new voters to 2 s")


def _audit(api: Api) -> Iterator[Change]:
    enabled = api.need("GET", "sys/audit")["data"]
    for device, file in AUDIT_FILES.items():
        if f"{device}/" not in enabled:
            options = {"file_path": file, "mode": "0600"}
            api.need("PUT", f"sys/audit/{device}", {"type": "file", "options": options})
            yield Change(what=f"enabled the audit log at {file}")


def mount(api: Api, kind: str, name: str, body: Mapping[str, Any]) -> Iterator[Change]:
    """A secrets engine (``mounts``) or an auth method (``auth``) at this path."""
    if name not in api.need("GET", f"sys/{kind}")["data"]:
        api.need("POST", f"sys/{kind}/{name.rstrip('/')}", body)
        yield Change(what=f"mounted {body['type']} at {name}")


def _transit_key(api: Api) -> Iterator[Change]:
    """The application's key: Vault encrypts and decrypts with it, and nobody can read it."""
    path = f"transit/keys/{names.TRANSIT_KEY}"
    if api.find(path) is None:
        api.need("POST", path, {"type": "aes256-gcm96"})
        yield Change(what=f"created transit key {names.TRANSIT_KEY}")


def _role(api: Api, name: str, wanted: Mapping[str, Any]) -> Iterator[Change]:
    """A role as wanted; policies that a project gave it stay."""
    path = f"auth/approle/role/{name}"
    present = api.find(path)
    if present is None:
        api.need("POST", path, wanted)
        yield Change(what=f"created AppRole {name}")
        return
    body = {key: _merged(present.get(key), value) for key, value in wanted.items()}
    if any(present.get(key) != value for key, value in body.items()):
        api.need("POST", path, body)
        yield Change(what=f"changed AppRole {name}")


def _merged(present: Any, wanted: Any) -> Any:
    if isinstance(wanted, list):
        return [*(present or []), *(each for each in wanted if each not in (present or []))]
    return wanted
