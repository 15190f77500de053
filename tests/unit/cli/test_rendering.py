"""What each command prints, as text and as JSON, letter for letter: programs read the one, people the other.

``envelopes.txt`` holds it. After a change that is meant: ``make golden``, and read the difference.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusdev import operations
from nexusdev.cli.rendering import MODULES, renderers
from nexusdev.results import Result
from tests.fakes import House
from tests.unit.images.workbench import make_images, registry

GOLDEN = Path(__file__).with_name("envelopes.txt")
# One after the other on one instance.
COMMANDS = """
status
ls
up --dry-run
up
up
status
env
env --view container
env --format json
env --write
env --no-proof
wait redis
wait redis-1 --for ready
ls
secrets list
secrets show redis-app
secrets rotate
seed
urls
ports
config show
adopt
doctor
logs
stop redis
status --check
status
start
restart redis-0
restart
stop
stop
start
down
down
up redis
destroy --yes
destroy --yes
up nothing-such
"""


# As text, these print what a program says, or a table that is as wide as the folder's name.
JSON_ONLY = """
--json up
--json exec redis-0 -- true
--json run -- sh -c "echo out; echo err >&2; exit 3"
--json config show --origin
--json logs --tail 1
"""

# With a lock and images of their own, in the order of an archive that is saved and loaded again.
IMAGES = """
images list
images pull store
images build cache
images build --prune-cache
images list
images save {folder}/saved.tar cache
images load {folder}/saved.tar
images verify cache
gc --dry-run
gc --yes
gc --dry-run
"""


def scrubbed(text: str, folder: Path) -> str:
    """The text without what differs from run to run: folders, ports, times, secrets."""
    text = text.replace(str(folder), "{folder}")
    text = re.sub(r"(evidence) +(fix)", r"\1  \2", text)  # the column is as wide as the folder's name is long
    text = re.sub(r"\b(2[1-9]|3[01])\d(\d\d)\b", r"PP\2", text)
    text = re.sub(r"\d+(\.\d+)? (s|ms|min)\b", "TIME", text)
    text = re.sub(r'("(?:seconds|used|at|took)": )\d+(\.\d+)?(e-\d+)?', r"\1TIME", text)
    return re.sub(r"\b[A-Za-z0-9]{32}\b", "SECRET", text)


def printed(house: House, commands: str, *more: str) -> str:
    """Every command line with its exit status, and what it prints on stdout."""

    def each() -> Iterator[str]:
        for line in commands.strip().splitlines():
            words = [*shlex.split(line), *more]
            ran = house.type(*words)
            yield f"$ nexusdev {' '.join(words)}   [{ran.status}]\n{ran.out}"

    return scrubbed("\n".join(each()), house.folder)


def test_the_output_of_every_command_matches_its_snapshot(
    house: House, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    monkeypatch.setenv("COLUMNS", "400")  # no line is wrapped where a folder's name is long
    text = printed(House(folder=house.folder), COMMANDS)
    other = House(folder=tmp_path_factory.mktemp("other"))
    (other.project / "nexusdev.toml").write_text("timeout = 20\n")
    monkeypatch.setenv("NEXUSDEV_STATE_DIR", str(other.folder / "state"))
    text = f"{text}\n{printed(other, COMMANDS, '--json')}\n{printed(other, JSON_ONLY)}"
    compare(text, GOLDEN)


def test_the_output_of_images_commands_matches_its_snapshot(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    for place in ("text", "json"):
        (tmp_path / place).mkdir()
    lines = IMAGES.format(folder=tmp_path)
    house.opened = make_images(tmp_path / "text", registry())
    text = printed(house, lines)
    house.opened = make_images(tmp_path / "json", registry())
    compare(f"{text}\n{printed(house, lines, '--json')}", GOLDEN.with_name("envelopes_images.txt"))


def compare(text: str, golden: Path) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_every_result_type_has_a_renderer() -> None:
    for module in pkgutil.iter_modules(operations.__path__, "nexusdev.operations."):
        importlib.import_module(module.name)
    kinds = set(Result.__subclasses__())
    found = {kind: function for name in set(MODULES.values()) for kind, function in renderers(name).items()}
    assert set(found) == kinds
    assert MODULES.keys() == {kind.__name__ for kind in kinds}
