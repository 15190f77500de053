"""The secrets of one instance: files of mode 0600, made once by the recipes of the compose files.

Recipes (``x-nexusdev`` on a top-level ``secrets:`` entry); exactly one of

    password: 32         that many characters of A-Z a-z 0-9
    key: 32              that many random bytes, base64
    text: "…"            derived; {{name}} is the value of another secret, {{sha256:name}} the hexadecimal SHA-256 of it,
                         {{base64:name}} its base64; rendered again whenever one of them changes
    jwt: {key: minio-root-password, iss: prometheus, sub: nexus-root}
                         derived; a token signed by HS512 with another secret, all other members are claims; valid until 2100
    runtime: true        made empty; its component writes it
    certificate: group   see certificates.py

What exists is never changed here but by ``write``. Values are read without their trailing newline.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from nexusdev.errors import InvalidConfig, InvalidState, NexusError
from nexusdev.stack.model import Secret, SecretRecipe
from nexusdev.util.files import finish_write, make_folder, remove_temp_files, replace, write_in_place
from nexusdev.util.passwords import random_password

PLACEHOLDER = re.compile(r"\{\{\s*(?:([a-z0-9]+):)?([A-Za-z0-9._-]+)\s*\}\}")
_FAR = 4102444800  # 2100-01-01
_INDEX = ".made.json"
_FUNCTIONS: Mapping[str, Callable[[str], str]] = {
    "": lambda value: value,
    "sha256": lambda value: hashlib.sha256(value.encode()).hexdigest(),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
}


class SecretFiles:
    """A secret store in files. Thread-safe; processes are separated by the instance's lock.

    Written values are published with ``publish`` (``Runtime.publish_secret``), which updates the servers.
    """

    def __init__(
        self, secrets_of_stack: Mapping[str, Secret], *, uid: int, gid: int, publish: Callable[[str, str], None]
    ) -> None:
        self._secrets = {name: each for name, each in secrets_of_stack.items() if not each.recipe.certificate}
        self._uid, self._gid = uid, gid
        self._publish = publish
        self._lock = threading.RLock()

    def read(self, name: str) -> str:
        """Return the value; '' for a secret that its component writes later and has not written yet."""
        secret = self._known(name)
        try:
            return secret.file.read_text(encoding="utf-8").removesuffix("\n")
        except FileNotFoundError as error:
            if secret.recipe.runtime:
                return ""
            raise _missing((name,), secret.file.parent) from error
        except OSError as error:
            raise InvalidState(
                f"failed to read secret {name}", why=str(error), hint="run nexusdev as the user who ran nexusdev up"
            ) from error

    def write(self, name: str, value: str) -> None:
        """Replace a value, render the files that are derived from it, and publish the changes."""
        secret = self._known(name)
        if is_derived(secret.recipe):
            raise InvalidConfig(f"secret {name} is derived from other secrets and cannot be written")
        with self._lock:
            self._put(secret, value)
            self._render()

    def renewed(self, name: str) -> str:
        """Return a new value by the recipe of ``name`` without writing it."""
        return fresh(self._known(name))

    def prepare(self, *, data_exists: bool = False) -> tuple[str, ...]:
        """Complete interrupted writes, create missing secrets and render derived ones.

        Args:
            data_exists: Whether volumes exist: a lost password is then an error and never replaced.

        Returns:
            The names of the created secrets.
        """
        with self._lock:
            self._mend()
            missing = [each for each in self._secrets.values() if not is_derived(each.recipe) and self._lacks(each)]
            self._refuse_loss(missing, data_exists)
            for secret in missing:
                self._put(secret, fresh(secret))
            self._remember()
            self._set_owners()
            return tuple(each.name for each in missing) + self._render()

    def names(self) -> tuple[str, ...]:
        """Return all secrets except certificates, in the order of the files."""
        return tuple(self._secrets)

    def _known(self, name: str) -> Secret:
        try:
            return self._secrets[name]
        except KeyError as error:
            raise InvalidConfig(
                f"no such secret: {name}", why=f"the compose files declare {', '.join(self._secrets) or 'none'}"
            ) from error

    def _mend(self) -> None:
        for folder in {each.file.parent for each in self._secrets.values()}:
            make_folder(folder)
            remove_temp_files(folder)
        for secret in self._secrets.values():
            if finish_write(secret.file):
                self._publish(secret.name, secret.file.read_text(encoding="utf-8"))

    def _lacks(self, secret: Secret) -> bool:
        if not secret.file.exists():
            return True
        return not secret.recipe.runtime and secret.file.stat().st_size == 0

    def _refuse_loss(self, missing: list[Secret], data_exists: bool) -> None:
        """Raise an error for lost passwords if data exists, because another password cannot open it."""
        gone = [each for each in missing if each.name in self._made()]
        if gone and data_exists:
            raise _missing(tuple(each.name for each in gone), gone[0].file.parent)

    def _made(self) -> frozenset[str]:
        """Return the names of all secrets that were created before, as far as known."""
        try:
            return frozenset(json.loads(self._index().read_text(encoding="utf-8")))
        except (OSError, ValueError, StopIteration):
            return frozenset()

    def _remember(self) -> None:
        names = sorted(self._made() | set(self._secrets))
        if self._secrets and set(names) != self._made():
            replace(self._index(), json.dumps(names))

    def _index(self) -> Path:
        return next(iter(self._secrets.values())).file.parent / _INDEX

    def _put(self, secret: Secret, value: str) -> None:
        write_in_place(secret.file, value.encode(), set_owner=self._set_owner)
        self._publish(secret.name, value)

    def _render(self) -> tuple[str, ...]:
        """Update every derived file. Returns the names of the changed ones."""
        changed = []
        for secret in self._secrets.values():
            if is_derived(secret.recipe):
                value = self._value(secret.name, ())
                if not secret.file.exists() or secret.file.read_text(encoding="utf-8") != value:
                    self._put(secret, value)
                    changed.append(secret.name)
        return tuple(changed)

    def _value(self, name: str, path: tuple[str, ...]) -> str:
        """Return the desired value of a secret; derived ones are computed."""
        if name not in self._secrets:
            raise InvalidConfig(
                f"secret {path[-1]} is derived from {name}, which does not exist",
                why=f"the compose files declare {', '.join(sorted(self._secrets))}",
            )
        if name in path:
            raise InvalidConfig(f"secrets depend on each other in a cycle: {' → '.join((*path, name))}")
        recipe = self._secrets[name].recipe
        if recipe.text:
            return PLACEHOLDER.sub(lambda match: self._filled(match, (*path, name)), recipe.text)
        if recipe.jwt:
            key = self._value(recipe.jwt.get("key", ""), (*path, name)).removesuffix("\n")
            return token({claim: value for claim, value in recipe.jwt.items() if claim != "key"}, key)
        return self.read(name)

    def _filled(self, match: re.Match[str], path: tuple[str, ...]) -> str:
        function = _FUNCTIONS.get(match[1] or "")
        if function is None:
            known = ", ".join(name for name in _FUNCTIONS if name)
            raise InvalidConfig(f"secret {path[-1]}: {match[0]} cannot be computed", why=f"known: {known}")
        return function(self._value(match[2], path).removesuffix("\n"))

    def _set_owner(self, file: Path) -> None:
        file.chmod(0o600)
        if os.getuid() == 0:
            os.chown(file, self._uid, self._gid)

    def _set_owners(self) -> None:
        for secret in self._secrets.values():
            if secret.file.exists() and not _has_owner(secret.file, self._uid):
                self._set_owner(secret.file)


def unpublished(name: str, value: str) -> None:
    """Publish nothing; for a store that is only read."""
    del value
    raise NexusError(f"secret {name} was to be written without a runtime that publishes it")


def is_derived(recipe: SecretRecipe) -> bool:
    """Return whether the value is derived from other secrets."""
    return bool(recipe.text or recipe.jwt)


def fresh(secret: Secret) -> str:
    """Return a new value by the recipe."""
    recipe = secret.recipe
    if recipe.password:
        return random_password(recipe.password)
    if recipe.key:
        import secrets

        return base64.b64encode(secrets.token_bytes(recipe.key)).decode()
    if recipe.runtime:
        return ""
    raise InvalidConfig(
        f"secret {secret.name} has no recipe", why="x-nexusdev: one of password, key, text, jwt, runtime, certificate"
    )


def token(claims: Mapping[str, str], key: str) -> str:
    """Return a JSON web token, signed with HS512, for MinIO's metrics (RFC 7519)."""

    def encoded(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    head, body = (
        encoded(json.dumps(part, separators=(",", ":")).encode())
        for part in ({"alg": "HS512", "typ": "JWT"}, {**claims, "exp": _FAR})
    )
    signature = hmac.new(key.encode(), f"{head}.{body}".encode(), hashlib.sha512).digest()
    return f"{head}.{body}.{encoded(signature)}"


def _has_owner(file: Path, uid: int) -> bool:
    status = file.stat()
    return status.st_mode & 0o777 == 0o600 and (os.getuid() != 0 or status.st_uid == uid)  # noqa: PLR2004 - a file mode


def _missing(names: tuple[str, ...], folder: Path) -> InvalidState:
    several = "secrets are" if len(names) > 1 else "secret is"
    return InvalidState(
        f"the file of a {several} missing: {', '.join(names)}",
        why=f"it was in {folder}; the data on the volumes depends on it",
        hint="nexusdev destroy   remove data and state, then run nexusdev up (or restore the file from a backup)",
    )
