"""What the fixtures of the pytest plugin cost, beside pytest-postgresql's and pytest-databases' in the same run: ``make bench ARGS=--fixtures``."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from scripts.benchmark.figures import Distribution, distribution
from scripts.benchmark.project import ROOT, Project, say, succeed

SUITES = Path(__file__).parent / "suites"
_PEERS = ("pytest-postgresql>=7", "pytest-databases>=0.13", "pytest-xdist>=3.6", "psycopg[binary]>=3.2")
_IMAGE = "nexusdev-bench/postgres:local"
#: Act → milliseconds that fixtures.md of the design promises for the median.
TARGETS = {"nexus_pg": 10, "nexus_pg_tx": 2, "nexus_redis": 5, "nexus_s3": 30, "nexus_vault": 25}
#: Rounds of what is measured once per process, and of lease commands.
_ROUNDS = 5
PG, PG_300 = "test_pg", "test_pg_in_tests_of_300_ms"
_IN_300, _PLAIN = ", in tests of 300 ms", "no fixture"
OURS, NOPROC, CONTAINER = "test_nexus.py", "test_postgresql.py", "test_databases.py"


class Costs(Struct, frozen=True, kw_only=True):
    """One run of the benchmark; seconds.

    Attributes:
        tests: What tests cost around their bodies: title → distribution.
        first: From the start of the command to the body of its first test: title → distribution.
        whole: Of 200 tests with all four systems in four processes.
        leases: Of lease commands: title → distribution.
    """

    tests: Mapping[str, Distribution]
    first: Mapping[str, Distribution]
    whole: float
    leases: Mapping[str, Distribution]


class Ran(Struct, frozen=True, kw_only=True):
    """One run of pytest: seconds of each test, of the whole command, and until the first test's body."""

    seconds: Sequence[float]
    whole: float
    first: float


def measure(project: Project) -> Costs:
    """Bring the project's stack up and measure on it. The stack stays."""
    project.run("up")
    python = _python(project.folder.parent / "venv")
    succeed(["docker", "build", "-q", "-t", _IMAGE, str(SUITES)])
    suites = {
        "nexus_pg": (OURS, PG),
        f"nexus_pg{_IN_300}": (OURS, PG_300),
        "nexus_pg_tx": (OURS, "test_pg_tx"),
        "nexus_redis": (OURS, "test_redis"),
        "nexus_s3": (OURS, "test_s3"),
        "nexus_vault": (OURS, "test_vault"),
        "pytest-postgresql": (NOPROC, PG),
        f"pytest-postgresql{_IN_300}": (NOPROC, PG_300),
        "pytest-databases": (CONTAINER, PG),
    }
    firsts = {
        _PLAIN: (OURS, "test_plain"),
        "nexus_pg and nexus_redis, attached": (OURS, "test_first"),
        "pytest-postgresql": (NOPROC, "test_first"),
        "pytest-databases": (CONTAINER, "test_first"),
    }
    tests = {title: distribution(_run(project, python, *suite).seconds) for title, suite in suites.items()}
    first = {title: [_run(project, python, *suite).first for _ in range(_ROUNDS)] for title, suite in firsts.items()}
    whole = _run(project, python, OURS, "test_four", "-n", "4").whole
    return Costs(
        tests=tests,
        first={title: distribution(samples) for title, samples in first.items()},
        whole=whole,
        leases=_leases(project),
    )


def _python(folder: Path) -> Path:
    """Make an environment with this tree and the other plugins."""
    uv, interpreter = [sys.executable, "-m", "uv"], folder / "bin" / "python"
    succeed([*uv, "venv", "-q", "-p", sys.executable, str(folder)])
    succeed([*uv, "pip", "install", "-q", "-p", str(interpreter), f"{ROOT}[pytest]", *_PEERS])
    return interpreter


def _run(project: Project, python: Path, file: str, test: str, *options: str) -> Ran:
    """Run the tests of one function, or of its parameters."""
    output = project.folder / "costs.json"
    plugins = {OURS: ("-p", "no:postgresql"), NOPROC: _noproc(project), CONTAINER: ("-p", "no:nexusdev")}
    words = (str(SUITES / file), "-q", "-k", f"{test} or {test}[", "--rootdir", str(project.folder))
    argv = [str(python), "-m", "pytest", "-p", "no:cacheprovider", *plugins[file], *words, *options]
    environment = {**project.environment, "BENCH_OUTPUT": str(output), "PGSSLMODE": "require"}
    began = time.time()
    succeed(argv, cwd=project.folder, env=environment)
    whole, found = time.time() - began, json.loads(output.read_text())
    seconds = [each for name, each in found["seconds"].items() if name.partition("::")[2].partition("[")[0] == test]
    say(f"{file} {test}: {len(seconds)} tests in {whole:.1f} s")
    return Ran(seconds=seconds, whole=whole, first=found["first"] - began)


def _noproc(project: Project) -> Sequence[str]:
    """The options with which pytest-postgresql uses the stack's server, with the login for test runners."""
    url = urlsplit(project.json("env")["variables"]["DATABASE_TEST_URL"])
    return (
        *("-p", "no:nexusdev", "--postgresql-host", url.hostname or "", "--postgresql-port", str(url.port)),
        *("--postgresql-user", url.username or "", "--postgresql-password", url.password or ""),
    )


def _leases(project: Project) -> Mapping[str, Distribution]:
    """Measure ``lease create`` by the Python API, without the start of a process, and as a command."""
    import nexusdev

    os.environ["NEXUSDEV_STATE_DIR"] = str(project.state)
    stack, samples = nexusdev.open(project.folder), dict[str, list[float]]()
    for number in range(_ROUNDS + 1):
        for title, prepared in (("cold", False), ("prepared", True)):
            if prepared:
                project.run("lease", "prepare", "1")
            began = time.perf_counter()
            lease = stack.lease(f"bench-{title}-{number}")
            if number:  # the first one makes the empty database that all are copies of
                samples.setdefault(f"created from Python, {title}", []).append(time.perf_counter() - began)
            lease.drop()
            if prepared:
                project.run("lease", "prepare", "1")
            began = time.perf_counter()
            project.run("lease", "create", f"bench-{number}")
            if number:
                samples.setdefault(f"nexusdev lease create, {title}", []).append(time.perf_counter() - began)
            project.run("lease", "drop", f"bench-{number}")
    return {title: distribution(each) for title, each in samples.items()}


def page(costs: Costs, *, tree: str, machine: str, date: str) -> str:
    """Return the page."""
    lines = [
        "# What the test fixtures cost",
        "",
        f"Written by `make bench ARGS=--fixtures` on {date} at {tree}: {machine}.",
        "Medians of one run (least to most); on a shared machine only ratios mean something.",
        "",
        *_each_test(costs),
        "",
        *_first_test(costs),
        "",
        "## Four systems",
        "",
        "200 tests with a database, a Redis user, a bucket and a Vault folder each, in four processes (`-n 4`):",
        f"{costs.whole:.1f} s, {costs.whole * 5:.0f} ms each.",
        "",
        "## Leases",
        "",
        *_table(("act", "cost"), [(title, _milliseconds(found)) for title, found in costs.leases.items()]),
        "",
        "Promised: 100 ms for a prepared one, 500 ms for a cold one.",
    ]
    return "\n".join(lines) + "\n"


def _each_test(costs: Costs) -> Sequence[str]:
    rows = [
        (f"`{title}`" if title in TARGETS else title, _milliseconds(found), *_verdict(title, found))
        for title, found in costs.tests.items()
    ]
    short, long = (costs.tests[f"nexus_pg{each}"].median for each in ("", _IN_300))
    beside, beside_long = (costs.tests[f"pytest-postgresql{each}"].median for each in ("", _IN_300))
    return (
        "## Each test",
        "",
        "What a test costs around its body, setup and teardown, in a suite of 40 such tests. The bodies are empty where nothing else is said.",
        "pytest-postgresql runs on the stack's server as well (its `noproc` mode); pytest-databases runs a container of its own.",
        "",
        *_table(("fixture", "cost", "target", ""), rows),
        "",
        f"A fresh database costs {short / beside:.2f} × that of pytest-postgresql where tests are empty, and {long / beside_long:.3f} × in tests",
        "of 300 ms, because the next one is made meanwhile. pytest-databases has one database for all tests of a process: nothing is isolated.",
    )


def _first_test(costs: Costs) -> Sequence[str]:
    plain = costs.first[_PLAIN].median
    rows = [
        (title, _seconds(found), "" if title == _PLAIN else f"{found.median - plain:.2f} s")
        for title, found in costs.first.items()
    ]
    return (
        "## The first test",
        "",
        "From the start of the command to the body of its first test. Attaching promises less than 1 s.",
        "",
        *_table(("with", "seconds", "more than without a fixture"), rows),
    )


def _verdict(title: str, found: Distribution) -> tuple[str, str]:
    target = TARGETS.get(title.partition(",")[0])
    if target is None:
        return "", ""
    return f"{target} ms", "kept" if found.median * 1000 <= target else "**missed**"


def _milliseconds(found: Distribution) -> str:
    return f"{found.median * 1000:.1f} ms ({found.least * 1000:.1f} to {found.most * 1000:.1f})"


def _seconds(found: Distribution) -> str:
    return f"{found.median:.2f} s ({found.least:.2f} to {found.most:.2f})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Sequence[str]:
    return (f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows))
