"""The subset of Dockerfiles: understood whole or refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.errors import InvalidConfig
from nexusdev.images.builder.dockerfile import Copy, RunInstruction, Set, parse
from nexusdev.images.lockfile import Build, default_file, load
from tests.unit.images.workbench import COMPILED


def write(folder: Path, text: str) -> Path:
    file = folder / "Dockerfile"
    file.write_text(text)
    return file


def test_stages_have_their_base_and_instructions(tmp_path: Path) -> None:
    build, last = parse(write(tmp_path, COMPILED)).stages
    assert (build.parent, build.name, last.parent) == ("builder", "build", "base")
    assert build.instructions[1:] == (Copy(files=("go.mod",), target="./"), RunInstruction(script="compile store"))
    assert last.instructions == (
        Copy(files=("/out/store",), target="/usr/local/bin/", stage="build"),
        Set(what="USER", value="10001:10001"),
    )


def test_continued_lines_are_joined(tmp_path: Path) -> None:
    text = "ARG BASE=nexusdev/base:local\nFROM ${BASE}\n# why\nRUN one && \\\n    # a comment between\n    two\n"
    assert parse(write(tmp_path, text)).stages[0].instructions == (RunInstruction(script="one && two"),)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("FROM debian\n", ":1: FROM must use one of the arguments above"),
        ("ARG BASE=debian\n", ":1: ARG must name a base image"),
        ("ARG B=nexusdev/base:local\nFROM ${B}\nADD x /\n", ":3: ADD is not supported"),
        ("RUN true\n", ":1: RUN is not allowed before the first FROM"),
        ("ARG B=nexusdev/base:local\nFROM ${B}\nCOPY a b\n", ":3: COPY needs files and a target folder"),
        ("ARG B=nexusdev/base:local\nFROM ${B}\nCOPY --from=x a /\n", ":3: unknown stage x"),
        ("ARG B=nexusdev/base:local\nFROM ${B}\nENV A=1 B=2\n", ":3: ENV must set one NAME=value"),
        ("ARG B=nexusdev/base:local\nFROM ${B}\nENTRYPOINT /sbin/init\n", ":3: ENTRYPOINT must be a JSON list"),
        ("# nothing\n", ":1: FROM is missing"),
    ],
)
def test_unsupported_instructions_are_refused_with_their_line(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        parse(write(tmp_path, text))
    assert complaint in caught.value.message


#: systemd is the first process of a node of kind.
ROOT = {"kind-node"}


def test_every_image_of_the_stack_runs_as_nobody() -> None:
    for image in load(default_file()).images.values():
        if image.name in ROOT:
            continue
        for source in image.sources:
            if isinstance(source, Build):
                last = parse(source.folder / "Dockerfile").stages[-1].instructions[-1]
                assert last == Set(what="USER", value="10001:10001"), image.name
