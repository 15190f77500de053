"""What one Vault keeps in memory: as much of its API as nexusdev uses, with the statuses and words of the real one."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any

from nexusdev.components.vault.root_token import encode

Reply = tuple[int, Any]
Body = Mapping[str, Any]

_NUMBERS = itertools.count(1)


def fresh(kind: str) -> str:
    return f"{kind}-{next(_NUMBERS):04d}"


class Core:
    """The data of one cluster. ``key`` opens it; ``database_password`` is what the database accepts from it."""

    def __init__(self) -> None:
        self.database_password = ""
        self.key = base64.b64encode(fresh("key").encode()).decode()
        self.tokens: dict[str, dict[str, Any]] = {}
        self.mounts: dict[str, Any] = {"sys/": {}, "cubbyhole/": {}}
        self.auth: dict[str, Any] = {"token/": {}}
        self.audit: dict[str, Any] = {}
        self.policies: dict[str, str] = {}
        self.transit: dict[str, str] = {}
        self.versions: dict[str, list[dict[str, Any] | None]] = {}
        self.marks: dict[str, dict[str, str]] = {}
        self.roles: dict[str, dict[str, Any]] = {}
        self.autopilot: dict[str, Any] = {"server_stabilization_time": "10s"}
        self.attempt: dict[str, str] = {}
        self.catalog: dict[str, dict[str, Any]] = {}
        self.databases: dict[str, dict[str, Any]] = {}
        self.database_roles: dict[str, dict[str, Any]] = {}
        self.leases: dict[str, str] = {}
        self.root = self.issue(["root"])

    def issue(self, policies: list[str], token: str = "") -> str:
        token = token or fresh("hvs.token")
        self.tokens[token] = {"accessor": fresh("accessor"), "policies": policies, "renewed": 0}
        return token

    @property
    def kv(self) -> dict[str, dict[str, Any]]:
        """The newest data of each path."""
        return {path: each[-1] for path, each in self.versions.items() if each[-1] is not None}

    @property
    def roots(self) -> list[str]:
        return [token for token, facts in self.tokens.items() if "root" in facts["policies"]]

    def reply(self, method: str, path: str, body: Body, token: str) -> Reply:
        """The answer of an unsealed server."""
        for open_to_all, table in ((True, self.open_paths()), (False, self.closed_paths())):
            for (wanted, pattern), handler in table.items():
                if wanted == method and (found := re.fullmatch(pattern, path)):
                    if not open_to_all and not self.allows(token, path):
                        return 403, {"errors": ["permission denied"]}
                    return handler(*found.groups(), body=body, token=token)
        return 404, {"errors": [f"no handler for {method} {path}"]}

    def allows(self, token: str, path: str) -> bool:
        policies = self.tokens.get(token, {}).get("policies", [])
        if path.startswith("auth/token/") and path.endswith("-self"):
            return bool(policies)
        if path.startswith("sys/leases/"):
            return bool(policies)
        if path.startswith("database/creds/"):
            granted = {"nexus-app": "nexus-app", "nexus-readonly": "nexus-app", "nexus-migrate": "nexus-migrations"}
            return granted[path.rpartition("/")[2]] in policies
        if path.startswith("transit/encrypt/"):
            return bool({"root", "nexus-seal"} & set(policies))
        return bool({"root", "nexus-operator"} & set(policies))

    def open_paths(self) -> Mapping[tuple[str, str], Callable[..., Reply]]:
        return {
            ("PUT", "sys/generate-root/attempt"): self.begin_root,
            ("DELETE", "sys/generate-root/attempt"): self.give_up_root,
            ("PUT", "sys/generate-root/update"): self.make_root,
            ("POST", "auth/approle/login"): self.login,
        }

    def closed_paths(self) -> Mapping[tuple[str, str], Callable[..., Reply]]:
        return {
            ("GET", "auth/token/lookup-self"): lambda body, token: (200, {"data": self.tokens[token]}),
            ("POST", "auth/token/renew-self"): self.renew,
            ("POST", "auth/token/revoke-self"): lambda body, token: self.drop(token),
            ("LIST", "auth/token/accessors"): lambda body, token: (200, {"data": {"keys": self.accessors()}}),
            ("POST", "auth/token/lookup-accessor"): self.lookup_accessor,
            ("POST", "auth/token/revoke-accessor"): self.revoke_accessor,
            ("POST", "auth/token/lookup"): self.lookup,
            ("POST", "auth/token/create"): self.create,
            ("GET", "sys/(mounts|auth|audit)"): lambda kind, body, token: (200, {"data": getattr(self, kind)}),
            ("POST", "sys/(mounts|auth)/(.+)"): self.mount,
            ("PUT", "sys/(audit)/(.+)"): self.mount,
            ("GET", "sys/policies/acl/(.+)"): lambda name, body, token: self.found(self.policies, name, "policy"),
            ("PUT", "sys/policies/acl/(.+)"): self.set_policy,
            ("GET", "sys/storage/raft/autopilot/configuration"): lambda body, token: (200, {"data": self.autopilot}),
            ("POST", "sys/storage/raft/autopilot/configuration"): self.set_autopilot,
            ("GET", "transit/keys/(.+)"): lambda name, body, token: self.found(self.transit, name, "key"),
            ("POST", "transit/keys/(.+)"): self.make_key,
            ("GET", "transit/backup/(.+)"): lambda name, body, token: self.found(self.transit, name, "backup"),
            ("POST", "transit/restore/(.+)"): self.restore,
            ("PUT", "transit/encrypt/(.+)"): lambda name, body, token: self.found(self.transit, name, "ciphertext"),
            ("GET", "auth/approle/role/([^/]+)"): self.role,
            ("POST", "auth/approle/role/([^/]+)"): self.set_role,
            ("GET", "auth/approle/role/([^/]+)/role-id"): self.role_id,
            ("POST", "auth/approle/role/([^/]+)/role-id"): self.set_role_id,
            ("LIST", "auth/approle/role/([^/]+)/secret-id"): self.secret_ids,
            ("POST", "auth/approle/role/([^/]+)/secret-id/lookup"): self.lookup_secret_id,
            ("POST", "auth/approle/role/([^/]+)/custom-secret-id"): self.add_secret_id,
            ("POST", "auth/approle/role/([^/]+)/secret-id-accessor/destroy"): self.drop_secret_id,
            ("GET", "sys/plugins/catalog/database/(.+)"): lambda name, body, token: self.data_of(self.catalog, name),
            ("PUT", "sys/plugins/catalog/database/(.+)"): self.register,
            ("PUT", "sys/plugins/reload/backend"): lambda body, token: (200, {}),
            ("GET", "database/config/(.+)"): self.connection,
            ("LIST", "database/config"): lambda body, token: self.names_of(self.databases),
            ("POST", "database/config/(.+)"): self.connect,
            ("POST", "database/reset/(.+)"): self.log_in,
            ("POST", "database/rotate-root/(.+)"): self.rotate_root,
            ("GET", "database/roles/(.+)"): lambda name, body, token: self.data_of(self.database_roles, name),
            ("POST", "database/roles/(.+)"): self.set_database_role,
            ("GET", "database/creds/(.+)"): self.issue_login,
            ("POST", "sys/leases/renew"): self.renew_lease,
            ("POST", "sys/leases/revoke"): self.revoke_lease,
            ("GET", "secret/data/(.+)"): self.read,
            ("POST", "secret/data/(.+)"): self.write,
            ("GET", "secret/metadata/(.+)"): self.metadata,
            ("POST", "secret/destroy/(.+)"): self.destroy,
            ("POST", "secret/metadata/(.+)"): self.mark,
        }

    def found(self, where: Mapping[str, Any], name: str, key: str) -> Reply:
        return (200, {"data": {key: where[name]}}) if name in where else (404, {"errors": []})

    def data_of(self, where: Mapping[str, Any], name: str) -> Reply:
        return (200, {"data": where[name]}) if name in where else (404, {"errors": []})

    def names_of(self, where: Mapping[str, Any]) -> Reply:
        return (200, {"data": {"keys": list(where)}}) if where else (404, {"errors": []})

    def register(self, name: str, body: Body, token: str) -> Reply:
        self.catalog[name] = {"builtin": False, **body}
        return 204, None

    def connection(self, name: str, body: Body, token: str) -> Reply:
        if name not in self.databases:
            return 404, {"errors": []}
        own = ("plugin_name", "allowed_roles")
        held = {key: value for key, value in self.databases[name].items() if key != "password"}
        details = {key: value for key, value in held.items() if key not in own}
        return 200, {"data": {**{key: held[key] for key in own}, "connection_details": details}}

    def connect(self, name: str, body: Body, token: str) -> Reply:
        if body["plugin_name"] not in self.catalog:
            return 400, {"errors": ["plugin not found in the catalog"]}
        if body["password"] != self.database_password:
            return 400, {"errors": ["error creating database object: error verifying connection"]}
        self.databases[name] = dict(body)
        return 204, None

    def log_in(self, name: str, body: Body, token: str) -> Reply:
        if self.databases[name]["password"] != self.database_password:
            return 500, {"errors": ["password authentication failed"]}
        return 204, None

    def rotate_root(self, name: str, body: Body, token: str) -> Reply:
        self.databases[name]["password"] = self.database_password = fresh("rotated")
        return 204, None

    def set_database_role(self, name: str, body: Body, token: str) -> Reply:
        self.database_roles[name] = dict(body)
        return 204, None

    def issue_login(self, name: str, body: Body, token: str) -> Reply:
        if name not in self.database_roles:
            return 400, {"errors": [f"unknown role: {name}"]}
        lease = f"database/creds/{name}/{fresh('lease')}"
        self.leases[lease] = token
        data = {"username": fresh(f"v-{name}"), "password": fresh("password")}
        return 200, {"lease_id": lease, "lease_duration": 3600, "data": data}

    def renew_lease(self, body: Body, token: str) -> Reply:
        known = body["lease_id"] in self.leases
        return (200, {"lease_duration": body["increment"]}) if known else (400, {"errors": ["lease not found"]})

    def revoke_lease(self, body: Body, token: str) -> Reply:
        self.leases.pop(body["lease_id"], None)
        return 204, None

    def begin_root(self, body: Body, token: str) -> Reply:
        if self.attempt:
            return 400, {"errors": ["root generation already in progress"]}
        self.attempt = {"nonce": fresh("nonce"), "otp": "x" * 28}
        return 200, self.attempt

    def give_up_root(self, body: Body, token: str) -> Reply:
        self.attempt = {}
        return 204, None

    def make_root(self, body: Body, token: str) -> Reply:
        if body["key"] != self.key or body["nonce"] != self.attempt.get("nonce"):
            return 400, {"errors": ["root generation failed"]}
        made, otp = self.issue(["root"], fresh("hvs.root").ljust(28, "_")), self.attempt["otp"]
        self.attempt = {}
        return 200, {"encoded_token": encode(made, otp), "complete": True}

    def login(self, body: Body, token: str) -> Reply:
        for name, role in self.roles.items():
            if role.get("role_id") == body.get("role_id") and body.get("secret_id") in role["secret_ids"]:
                return 200, {"auth": {"client_token": self.issue(list(role["config"]["token_policies"])), "role": name}}
        return 400, {"errors": ["invalid role or secret ID"]}

    def renew(self, body: Body, token: str) -> Reply:
        self.tokens[token]["renewed"] += 1
        return 200, {"auth": {}}

    def drop(self, token: str) -> Reply:
        self.tokens.pop(token, None)
        return 204, None

    def accessors(self) -> list[str]:
        return [facts["accessor"] for facts in self.tokens.values()]

    def by_accessor(self, accessor: str) -> str:
        return next((token for token, facts in self.tokens.items() if facts["accessor"] == accessor), "")

    def lookup_accessor(self, body: Body, token: str) -> Reply:
        return self.found(self.tokens, self.by_accessor(body["accessor"]), "id")[0], {
            "data": self.tokens.get(self.by_accessor(body["accessor"]))
        }

    def revoke_accessor(self, body: Body, token: str) -> Reply:
        return self.drop(self.by_accessor(body["accessor"]))

    def lookup(self, body: Body, token: str) -> Reply:
        return (200, {"data": {}}) if body["token"] in self.tokens else (403, {"errors": ["bad token"]})

    def create(self, body: Body, token: str) -> Reply:
        if body["id"] in self.tokens:
            return 400, {"errors": ["cannot create a token with a duplicate ID"]}
        return 200, {"auth": {"client_token": self.issue(body["policies"], body["id"])}}

    def mount(self, kind: str, name: str, body: Body, token: str) -> Reply:
        if f"{name}/" in getattr(self, kind):
            return 400, {"errors": [f"path is already in use at {name}/"]}
        getattr(self, kind)[f"{name}/"] = dict(body)
        return 204, None

    def set_policy(self, name: str, body: Body, token: str) -> Reply:
        self.policies[name] = body["policy"]
        return 204, None

    def set_autopilot(self, body: Body, token: str) -> Reply:
        self.autopilot.update(body)
        return 204, None

    def make_key(self, name: str, body: Body, token: str) -> Reply:
        self.transit.setdefault(name, fresh("transit"))
        return 204, None

    def restore(self, name: str, body: Body, token: str) -> Reply:
        self.transit[name] = body["backup"]
        return 204, None

    def role(self, name: str, body: Body, token: str) -> Reply:
        return (200, {"data": self.roles[name]["config"]}) if name in self.roles else (404, {"errors": []})

    def set_role(self, name: str, body: Body, token: str) -> Reply:
        if "approle/" not in self.auth:
            return 404, {"errors": ["no handler for route"]}
        made = {"config": {}, "role_id": fresh("role"), "secret_ids": {}}
        self.roles.setdefault(name, made)["config"].update(body)
        return 204, None

    def role_id(self, name: str, body: Body, token: str) -> Reply:
        return 200, {"data": {"role_id": self.roles[name]["role_id"]}}

    def set_role_id(self, name: str, body: Body, token: str) -> Reply:
        self.roles[name]["role_id"] = body["role_id"]
        return 204, None

    def secret_ids(self, name: str, body: Body, token: str) -> Reply:
        return 200, {"data": {"keys": list(self.roles[name]["secret_ids"].values())}}

    def lookup_secret_id(self, name: str, body: Body, token: str) -> Reply:
        accessor = self.roles[name]["secret_ids"].get(body["secret_id"])
        return (200, {"data": {"secret_id_accessor": accessor}}) if accessor else (204, None)

    def add_secret_id(self, name: str, body: Body, token: str) -> Reply:
        self.roles[name]["secret_ids"][body["secret_id"]] = fresh("accessor")
        return 200, {"data": {}}

    def drop_secret_id(self, name: str, body: Body, token: str) -> Reply:
        held = self.roles[name]["secret_ids"]
        self.roles[name]["secret_ids"] = {
            key: value for key, value in held.items() if value != body["secret_id_accessor"]
        }
        return 204, None

    def read(self, path: str, body: Body, token: str) -> Reply:
        return (200, {"data": {"data": self.kv[path]}}) if path in self.kv else (404, {"errors": []})

    def write(self, path: str, body: Body, token: str) -> Reply:
        self.versions.setdefault(path, []).append(body["data"])
        self.marks.setdefault(path, {})
        return 200, {"data": {}}

    def metadata(self, path: str, body: Body, token: str) -> Reply:
        if path not in self.marks:
            return 404, {"errors": []}
        held = self.versions.get(path, [])
        versions = {str(number): {"destroyed": data is None} for number, data in enumerate(held, 1)}
        reply = {"custom_metadata": self.marks[path], "current_version": len(held), "versions": versions}
        return 200, {"data": reply}

    def destroy(self, path: str, body: Body, token: str) -> Reply:
        for number in body["versions"]:
            self.versions[path][number - 1] = None
        return 204, None

    def mark(self, path: str, body: Body, token: str) -> Reply:
        self.marks[path] = body["custom_metadata"]
        return 204, None
