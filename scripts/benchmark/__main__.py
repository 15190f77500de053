"""The command: options, one run, and the page."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from scripts.benchmark import cold, cold_record, fixtures, report, rounds
from scripts.benchmark.costs import idle
from scripts.benchmark.figures import excesses, slowest_component
from scripts.benchmark.peer import compose_argv
from scripts.benchmark.project import ROOT, Project, succeed
from scripts.benchmark.rows import Measured, seconds

#: The figures that the page compares with.
BEFORE = ROOT / "docs" / "benchmarks-before.json"


def main(arguments: list[str] | None = None) -> None:
    """Measure and write; see ``--help``."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="nexusdev-bench-") as folder:
        if options.cold:
            _cold(_measured_cold(Path(folder)), options.output)
        elif options.cold_record:
            _cold(_recorded(options.cold_record), options.output)
        elif options.fixtures:
            _fixtures(Path(folder))
        else:
            _warm(Path(folder), options)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures what nexusdev promises.")
    parser.add_argument("--rounds", type=_count, default=3, help="of each act (default: 3)")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md", help="the page to write")
    parser.add_argument("--before", type=Path, default=BEFORE, help="an earlier run's figures, shown beside this one's")
    parser.add_argument("--save", type=Path, help="keep this run's figures as JSON, for a later --before")
    parser.add_argument("--ups", action="store_true", help="only `up` with data: its distribution; writes no page")
    parser.add_argument("--keep", type=Path, help="with --ups: folder for the timings of each round")
    parser.add_argument("--idle", action="store_true", help="only what the idle stack costs; writes no page")
    parser.add_argument("--fixtures", action="store_true", help="only the pytest plugin; writes benchmarks-fixtures.md")
    parser.add_argument("--cold", action="store_true", help="only `make up` on an engine without images: takes long")
    parser.add_argument("--cold-record", type=Path, help="the same from an output: (time make up) 2>&1 | tee FILE")
    return parser.parse_args(arguments)


def _count(word: str) -> int:
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word!r} is no number of rounds: 1 or more")
    return int(word)


def _warm(folder: Path, options: argparse.Namespace) -> None:
    project = Project(folder=folder / "bench", state=folder / "state")
    project.folder.mkdir()
    with _cleaned_up(project):
        if options.ups:
            rounds.ups_only(project, options.rounds, options.keep)
            _tell_ups(project)
        elif options.idle:
            _tell_idle(project)
        else:
            _page(project, options)


def _page(project: Project, options: argparse.Namespace) -> None:
    full, core = rounds.everything(project, options.rounds)
    measured = Measured(
        tree=tree(),
        machine=machine(),
        date=today(),
        acts={act: project.of(act) for act in project.samples},
        slowest=slowest_component(project.timings[-1]),
        excess=excesses(project.timings),
        full=full,
        core=core,
    )
    if options.save:
        options.save.write_bytes(msgspec.json.format(msgspec.json.encode(measured), indent=1) + b"\n")
    before = msgspec.json.decode(options.before.read_bytes(), type=Measured) if options.before.exists() else None
    kept = report.kept_cold(options.output.read_text()) if options.output.exists() else ""
    text = report.page(measured, before=before, cold=kept)
    options.output.write_text(text)
    print(text)


def _fixtures(folder: Path) -> None:
    project = Project(folder=folder / "bench", state=folder / "state")
    project.folder.mkdir()
    with _cleaned_up(project):
        text = fixtures.page(fixtures.measure(project), tree=tree(), machine=machine(), date=today())
    (ROOT / "docs" / "benchmarks-fixtures.md").write_text(text)
    print(text)


def _tell_ups(project: Project) -> None:
    found = project.of(rounds.UP)
    print(f"{seconds(found)}; the slowest is {found.tail:.2f} × the median")
    for each in excesses(project.timings):
        print(f"  {each.name}: {each.seconds:.1f} s there, usually {each.usual:.1f} s")


def _tell_idle(project: Project) -> None:
    project.run("up")
    full = idle(project)
    for name, cost in sorted(full.groups.items(), key=lambda item: -item[1].cores):
        print(f"{name:20} {cost.cores:.4f} cores {cost.mebibytes:6.0f} MiB")
    print(f"{'all containers':20} {full.total.cores:.4f} cores {full.total.mebibytes:6.0f} MiB")
    print(f"{'the engine':20} {full.engine:.4f} cores")


def _measured_cold(folder: Path) -> report.Cold:
    make_up, go_builds = cold.measure(folder)
    return report.Cold(machine=machine(), date=today(), command="make up", total=make_up, go_builds=go_builds)


def _recorded(file: Path) -> report.Cold:
    record = cold_record.parse(file.read_text())
    return report.Cold(
        machine=machine(),
        date=today(),
        command=record.command,
        total=record.total,
        go_builds=record.go_builds,
        recorded=True,
    )


def _cold(measured: report.Cold, output: Path) -> None:
    section = report.cold_section(measured)
    output.write_text(report.with_cold(output.read_text(), section))
    print(section)


@contextlib.contextmanager
def _cleaned_up(project: Project) -> Iterator[None]:
    """Nothing is left afterwards; when something fails, that is what is told, and not that cleaning failed after it."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(SystemExit, Exception):
            succeed([*compose_argv(project), "down"])
        with contextlib.suppress(SystemExit, Exception):
            project.destroy()
        raise
    project.destroy()


def machine() -> str:
    """What was measured on."""
    told = ["docker", "version", "--format", "{{.Server.Version}}"]
    engine = subprocess.run(told, capture_output=True, text=True, check=False).stdout.strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    kernel = f"{platform.system()} {platform.release().split('-')[0]}"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {kernel}, Docker Engine {engine}"


def tree() -> str:
    """The commit that is measured; what is not committed is marked."""
    return succeed(["git", "describe", "--always", "--dirty"]).strip()


def today() -> str:
    return f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}"


if __name__ == "__main__":
    main()
