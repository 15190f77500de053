"""Secrets: made once, changed in place, whole after every crash."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from nexusdev.errors import InvalidConfig, InvalidState
from nexusdev.instance.secrets import SecretFiles
from nexusdev.stack.model import Secret, Stack
from tests.unit.instance.conftest import secret


@pytest.fixture
def store(stack: Stack) -> SecretFiles:
    return SecretFiles(stack.secrets, uid=os.getuid(), gid=os.getgid(), publish=lambda *_: None)


@pytest.fixture
def made(store: SecretFiles) -> SecretFiles:
    store.prepare()
    return store


def of(folder: Path, *secrets: Secret) -> SecretFiles:
    return SecretFiles({each.name: each for each in secrets}, uid=os.getuid(), gid=os.getgid(), publish=lambda *_: None)


def test_a_password_has_letters_and_digits_of_the_requested_length(made: SecretFiles) -> None:
    value = made.read("db-password")
    assert len(value) == 32
    assert value.isascii()
    assert value.isalnum()


def test_a_key_is_random_bytes_in_base64(made: SecretFiles) -> None:
    assert len(base64.b64decode(made.read("kms-key"), validate=True)) == 32


def test_a_text_is_derived_with_hash_and_base64(made: SecretFiles) -> None:
    password = made.read("db-password")
    digest = hashlib.sha256(password.encode()).hexdigest()
    assert made.read("users") == f'"app" "{password}" {digest} {base64.b64encode(password.encode()).decode()}'


def test_a_token_is_signed_with_its_named_secret(made: SecretFiles) -> None:
    head, body, signature = made.read("metrics-token").split(".")
    expected = hmac.digest(made.read("db-password").encode(), f"{head}.{body}".encode(), "sha512")
    assert base64.urlsafe_b64decode(signature + "==") == expected
    assert json.loads(base64.urlsafe_b64decode(body + "=="))["iss"] == "prometheus"


def test_a_runtime_secret_starts_empty_and_keeps_written_values(made: SecretFiles) -> None:
    assert made.read("unseal-key") == ""
    made.write("unseal-key", "k")
    made.prepare()
    assert made.read("unseal-key") == "k"


def test_existing_secrets_are_kept_and_missing_ones_created(made: SecretFiles, stack: Stack) -> None:
    before = made.read("db-password")
    stack.secrets["kms-key"].file.unlink()
    assert made.prepare() == ("kms-key",)
    assert made.read("db-password") == before


def test_files_are_readable_only_by_the_container_user(made: SecretFiles, stack: Stack) -> None:
    for each in ("db-password", "users", "unseal-key"):
        assert stack.secrets[each].file.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_root_gives_the_files_to_the_container_user(stack: Stack) -> None:
    SecretFiles(stack.secrets, uid=10001, gid=10002, publish=lambda *_: None).prepare()
    status = stack.secrets["users"].file.stat()
    assert (status.st_uid, status.st_gid) == (10001, 10002)


def test_writing_a_value_keeps_the_mounted_inode(made: SecretFiles, stack: Stack) -> None:
    files = [stack.secrets[name].file for name in ("db-password", "users")]
    before = [file.stat().st_ino for file in files]
    made.write("db-password", "x" * 32)
    assert [file.stat().st_ino for file in files] == before
    assert f'"app" "{"x" * 32}"' in files[1].read_text()


def test_a_shorter_value_truncates_the_file(made: SecretFiles) -> None:
    made.write("db-password", "short")
    assert made.read("db-password") == "short"


def test_a_derived_secret_cannot_be_written(made: SecretFiles) -> None:
    with pytest.raises(InvalidConfig, match="derived"):
        made.write("users", "x")


def test_an_unknown_name_lists_the_known_ones(made: SecretFiles) -> None:
    with pytest.raises(InvalidConfig) as raised:
        made.read("nope")
    assert "db-password" in raised.value.why


def test_a_placeholder_of_an_unknown_secret_or_function_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="which does not exist"):
        of(tmp_path, secret(tmp_path, "a", text="{{b}}")).prepare()
    with pytest.raises(InvalidConfig, match="cannot be computed"):
        of(tmp_path, secret(tmp_path, "a", text="{{md5:b}}"), secret(tmp_path, "b", password=8)).prepare()


def test_circular_derived_secrets_are_refused(tmp_path: Path) -> None:
    circle = of(tmp_path, secret(tmp_path, "a", text="{{b}}"), secret(tmp_path, "b", text="{{a}}"))
    with pytest.raises(InvalidConfig, match="a → b → a"):
        circle.prepare()


def test_a_lost_password_is_recreated_without_data(made: SecretFiles, stack: Stack) -> None:
    stack.secrets["db-password"].file.unlink()
    assert "db-password" in made.prepare(data_exists=False)


def test_a_lost_password_of_existing_data_is_an_error(made: SecretFiles, stack: Stack) -> None:
    stack.secrets["db-password"].file.unlink()
    with pytest.raises(InvalidState) as raised:
        made.prepare(data_exists=True)
    assert "db-password" in raised.value.message
    assert "nexusdev destroy" in raised.value.hint
    assert not stack.secrets["db-password"].file.exists()


def test_a_secret_added_by_a_newer_stack_is_created_despite_data(tmp_path: Path) -> None:
    of(tmp_path, secret(tmp_path, "old", password=8)).prepare()
    both = of(tmp_path, secret(tmp_path, "old", password=8), secret(tmp_path, "new", password=8))
    assert both.prepare(data_exists=True) == ("new",)


def test_reading_a_lost_secret_names_it(store: SecretFiles) -> None:
    with pytest.raises(InvalidState, match="db-password"):
        store.read("db-password")


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from nexusdev.util import files
    from nexusdev.instance.secrets import SecretFiles
    from nexusdev.stack.model import Secret, SecretRecipe

    folder, moment = Path(sys.argv[1]), sys.argv[2]
    recipes = {"a": SecretRecipe(password=16), "b": SecretRecipe(text="<{{a}}>")}
    held = {n: Secret(name=n, file=folder / n, recipe=r) for n, r in recipes.items()}
    store = SecretFiles(held, uid=os.getuid(), gid=os.getgid(), publish=lambda *_: None)
    store.prepare()

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    def unlink(path, missing_ok=False):
        if path.suffix == ".next":
            die()

    def half(path, data):
        path.write_bytes(data[: len(data) // 2])
        die()

    if moment == "while the next value is written":
        files._write_new = lambda path, data, mode: half(path, data)
    if moment == "while the file is overwritten":
        files._write_over = half
    if moment == "before the journal is removed":
        Path.unlink = unlink
    store.write("a", "NEW" * 5)
"""


@pytest.mark.parametrize(
    ("moment", "value"),
    [
        ("while the next value is written", "the old one"),
        ("while the file is overwritten", "NEW" * 5),
        ("before the journal is removed", "NEW" * 5),
    ],
)
def test_a_kill_during_a_write_leaves_the_old_or_the_new_value(tmp_path: Path, moment: str, value: str) -> None:
    a, b = secret(tmp_path, "a", password=16), secret(tmp_path, "b", text="<{{a}}>")
    store = of(tmp_path, a, b)
    store.prepare()
    old = store.read("a")
    script = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path / "secrets"), moment]
    assert subprocess.run(script, check=False).returncode == -signal.SIGKILL
    store.prepare(data_exists=True)
    now = old if value == "the old one" else value
    assert (store.read("a"), store.read("b")) == (now, f"<{now}>")
    left = sorted(each.name for each in (tmp_path / "secrets").iterdir())
    assert left == [".made.json", "a", "b"]
