"""The table client × path against one real stack: every client has the variables of the env file, PATH and HOME, and nothing else.

The clients that come with the tests, or with the runtimes themselves, are a part of ``make test``. ``make clients`` builds all others too, with
pinned versions, and writes docs/clients.md.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from nexusdev.env.client_forms import FORMS, ClientForm
from tests.integration import engine
from tests.integration.clients import toolchains
from tests.integration.clients.toolchains import CACHE, PROGRAMS, needed
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration

#: What any machine with the runtime has, or the requirements of the tests bring.
REPRESENTATIVE = {
    *(("Python", name) for name in ("psycopg", "redis-py", "boto3", "minio", "hvac", "requests")),
    *(("Node", "fetch"), ("command line", "curl"), ("command line", "psql"), ("command line", "redis-cli")),
}
#: Those of them that work in a container of the stack's own images.
IN_STACK_IMAGES = {"psycopg": "postgres", "redis-py": "postgres", "boto3": "postgres", "hvac": "postgres"} | {
    "psql": "postgres",
    "redis-cli": "redis",
}
#: The pure Python packages of the tests.
SITE = Path(sysconfig.get_path("purelib"))


def is_representative(form: ClientForm, path: str) -> bool:
    there = path != "container" or form.client in IN_STACK_IMAGES
    return there and (form.language, form.client) in REPRESENTATIVE


CELLS = [
    pytest.param(
        form,
        path,
        id=f"{form.language}-{form.client}-{path}",
        marks=() if is_representative(form, path) else pytest.mark.clients,
    )
    for form in FORMS
    for path in form.paths
]


def bare(folder: Path, **variables: str) -> dict[str, str]:
    """As ``env -i PATH HOME`` and these variables."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), **variables}


def written(name: str, project: Project, file: Path, view: str = "host") -> Path:
    """The file of ``nexusdev env --for NAME``."""
    done = project.run("env", "--for", name, "--view", view, "--output", str(file))
    assert done.code == 0, done.err
    return file


def command_line(client: str, path: str, project: Project, folder: Path) -> list[str]:
    """The words of a program for the command line; a shell expands the variables, as a user's does."""
    url = "$DATABASE_POOL_URL" if path == "pool" else "$DATABASE_URL"
    redis = 'redis-cli -u "$REDIS_URL" ping 2>&1 | grep -q PONG'
    sentinel = 'redis-cli -u "rediss://$REDIS_USERNAME:$REDIS_PASSWORD@${REDIS_SENTINELS%%,*}" 2>&1'
    host = 'MC_HOST_nexus="https://$MINIO_ACCESS_KEY:$MINIO_SECRET_KEY@$MINIO_ENDPOINT"'
    lines = {
        "psql": f'psql "{url}" -qtc "SELECT current_user" | grep -q nexus_app',
        "redis-cli": f"{sentinel} SENTINEL MASTER nexus | grep -q num-slaves" if path == "sentinel" else redis,
        "curl": 'curl -sS "$VAULT_ADDR/v1/sys/health" | grep -q cluster_name',
        "aws": "aws s3 ls s3://nexus-app-data",
        "mc": f"export {host}; {CACHE}/mc/*/mc --config-dir {folder} stat nexus/nexus-app-data | grep -q nexus-app-data",
        "rclone": f"env -u AWS_CA_BUNDLE rclone --config {folder}/rclone lsd nexus: | grep -q nexus-app-data",
        "s3cmd": f"s3cmd -c {folder}/s3cmd ls s3://nexus-app-data",
    }
    if client == "mc":
        toolchains.mc()
    elif path != "container":
        needed(client)
    if client in {"rclone", "s3cmd"}:
        written(client, project, folder / client, "container" if path == "container" else "host")
    return ["sh", "-c", lines[client]]


def java(form: ClientForm) -> list[str]:
    """The words with the options of the trust store."""
    program = "SpringCheck" if form.client == "Spring Boot" else "Check"
    return ["sh", "-c", f'exec java @"$NEXUSDEV_JAVA_OPTIONS" -cp "{toolchains.java()}" {program} "$@"', "java"]


def words_of(form: ClientForm, path: str, project: Project, folder: Path) -> list[str]:
    """The command of a cell on the host."""
    if form.language == "command line":
        return command_line(form.client, path, project, folder)
    if form.language == "Python":
        own = (form.language, form.client) in REPRESENTATIVE
        program = [sys.executable, str(PROGRAMS / "check.py")] if own else toolchains.python()
    elif form.language == "Node":
        program = [needed("node"), str(PROGRAMS / "check.js")] if form.client == "fetch" else toolchains.node()
    elif form.language == "Go":
        program = toolchains.go()
    elif form.language == "Java":
        program = java(form)
    else:
        program = toolchains.ruby(form.client)
    return [*program, form.client, path]


def ran(words: Sequence[str], environ: Mapping[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=folder, env=dict(environ), capture_output=True, text=True, timeout=120, check=False
    )


def words_there(form: ClientForm, project: Project, folder: Path) -> list[str]:
    """The command of a cell in a container, which has the programs at the same places."""
    if form.language == "Python":
        packages = SITE if form.client in IN_STACK_IMAGES else toolchains.python_packages_there()
        settings = [f"PYTHONPATH={packages}:{PROGRAMS}", f"CLIENTS_QUEUE={folder.name}"]
        return ["env", *settings, "python3", str(PROGRAMS / "check.py"), form.client, "container"]
    if form.language == "Ruby":
        return ["ruby", str(PROGRAMS / "check.rb"), form.client, "container"]
    words = words_of(form, "container", project, folder)
    return ["node", *words[1:]] if form.language == "Node" else words


def in_container(form: ClientForm, project: Project, folder: Path) -> None:
    """The same program in a container that ``run --in`` starts."""
    ours = IN_STACK_IMAGES.get(form.client)
    image = engine.image(ours) if ours else toolchains.image()
    words = words_there(form, project, folder)
    mounts = [word for place in (PROGRAMS, SITE, CACHE) if place.exists() for word in ("-v", f"{place}:{place}:ro")]
    mine = ["-u", f"{os.getuid()}:{os.getgid()}", "-v", f"{folder}:{folder}", "-w", str(folder)]
    done = project.run("run", "--in", image, *mounts, *mine, "--", "env", f"HOME={folder}", *words)
    assert done.code == 0, done.err + done.out


@pytest.mark.parametrize(("form", "path"), CELLS)
def test_a_client_works_with_only_the_env_file(
    form: ClientForm,
    path: str,
    project: Project,
    variables: Mapping[str, str],
    tmp_path: Path,
) -> None:
    if path == "container":
        in_container(form, project, tmp_path)
        return
    given = bare(tmp_path, **variables)
    if form.client == "Celery":
        given |= {"PYTHONPATH": f"{PROGRAMS}:{tmp_path}", "CLIENTS_QUEUE": str(tmp_path)}
        if path == "sentinel":
            written("celery-sentinel", project, tmp_path / "celeryconfig.py")
    done = ran(words_of(form, path, project, tmp_path), given, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_node_works_with_its_env_file_option(project: Project, tmp_path: Path) -> None:
    words = [needed("node"), f"--env-file={project.folder / '.env.nexusdev'}", str(PROGRAMS / "check.js")]
    done = ran([*words, "fetch", "direct"], bare(tmp_path), tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("companion", "line"),
    [
        ("PGHOSTADDR=192.0.2.1", 'psql -qtc "SELECT 1"'),
        ("PGSERVICE=elsewhere", 'psql -qtc "SELECT 1"'),
        ("VAULT_NAMESPACE=team", 'curl -sSf "$VAULT_ADDR/v1/sys/health"'),
        ("HTTPS_PROXY=http://192.0.2.1:3128", 'curl -sSf "$VAULT_ADDR/v1/sys/health"'),
        ("AWS_SESSION_TOKEN=x", f"{sys.executable} {PROGRAMS / 'check.py'} boto3 direct"),
        ("AWS_PROFILE=elsewhere", f"{sys.executable} {PROGRAMS / 'check.py'} boto3 direct"),
    ],
)
def test_run_passes_no_companion_variable_of_the_shell(project: Project, companion: str, line: str) -> None:
    needed(line.split(maxsplit=1)[0])
    name, _, value = companion.partition("=")
    changed = Project(folder=project.folder, state=project.state, extra={**project.extra, name: value})
    done = changed.run("run", "--", "sh", "-c", line, timeout=60)
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    ("service", "user", "replica"),
    [
        ("nexus", "nexus_app", False),
        ("nexus-ro", "nexus_app", True),
        ("nexus-pool", "nexus_app", False),
        ("nexus-migration", "nexus_owner", False),
    ],
)
def test_a_libpq_service_needs_no_other_variable(
    variables: Mapping[str, str], tmp_path: Path, service: str, user: str, replica: bool
) -> None:
    environ = bare(tmp_path, PGSERVICEFILE=variables["PGSERVICEFILE"])
    question = "SELECT current_user, pg_is_in_recovery()"
    done = ran([needed("psql"), f"service={service}", "-qtAc", question], environ, tmp_path)
    assert done.stdout.strip() == f"{user}|{'t' if replica else 'f'}", done.stderr
