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

from scripts.benchmark import cold, report, rounds
from scripts.benchmark.costs import idle
from scripts.benchmark.figures import excesses, slowest_component
from scripts.benchmark.peer import compose_argv
from scripts.benchmark.project import ROOT, Project, succeed


def main(arguments: list[str] | None = None) -> None:
    """Measure and write; see ``--help``."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="nexusdev-bench-") as folder:
        if options.cold:
            _cold(Path(folder), options.output)
        else:
            _warm(Path(folder), options)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures what nexusdev promises.")
    parser.add_argument("--rounds", type=_count, default=3, help="of each act (default: 3)")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md", help="the page to write")
    parser.add_argument("--ups", action="store_true", help="only `up` with data: its distribution; writes no page")
    parser.add_argument("--keep", type=Path, help="with --ups: folder for the timings of each round")
    parser.add_argument("--idle", action="store_true", help="only what the idle stack costs; writes no page")
    parser.add_argument("--cold", action="store_true", help="only `make up` on an engine without images: takes long")
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
    measured = report.Measured(
        machine=machine(),
        date=today(),
        acts={act: project.of(act) for act in project.samples},
        slowest=slowest_component(project.timings[-1]),
        excess=excesses(project.timings),
        full=full,
        core=core,
    )
    kept = report.kept_cold(options.output.read_text()) if options.output.exists() else ""
    text = report.page(measured, cold=kept)
    options.output.write_text(text)
    print(text)


def _tell_ups(project: Project) -> None:
    found = project.of(rounds.UP)
    print(f"{report.seconds(found)}; the slowest is {found.tail:.2f} × the median")
    for each in excesses(project.timings):
        print(f"  {each.name}: {each.seconds:.1f} s there, usually {each.usual:.1f} s")


def _tell_idle(project: Project) -> None:
    project.run("up")
    full = idle(project)
    for name, cost in sorted(full.groups.items(), key=lambda item: -item[1].cores):
        print(f"{name:20} {cost.cores:.4f} cores {cost.mebibytes:6.0f} MiB")
    print(f"{'all containers':20} {full.total.cores:.4f} cores {full.total.mebibytes:6.0f} MiB")
    print(f"{'the engine':20} {full.engine:.4f} cores")


def _cold(folder: Path, output: Path) -> None:
    make_up, go_builds = cold.measure(folder)
    measured = report.Cold(machine=machine(), date=today(), make_up=make_up, go_builds=go_builds)
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


def today() -> str:
    return f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}"


if __name__ == "__main__":
    main()
