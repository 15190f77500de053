"""Every page of docs/frameworks, run as it stands: its installation, its files, its commands and the output that it states.

A few pages are a part of ``make test``; ``make clients`` runs all of them.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from psycopg.sql import SQL, Identifier

from tests import pages
from tests.integration.application import s3_client
from tests.integration.conftest import Project
from tests.integration.frameworks import workshop
from tests.integration.postgres.test_postgres import connect

pytestmark = pytest.mark.integration


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a page needs on the machine, and what it leaves in the instance: tables, databases, keys by pattern, and objects.

    ``downloads``: the host from which the page's tools fetch a program that no registry has. ``anew``: whether its commands change what is
    installed, so that it is installed for each run.
    """

    name: str
    needs: tuple[str, ...] = ("python3",)
    tables: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    downloads: str = ""
    anew: bool = False
    seconds: float = 120


#: What the applications of `startproject` have.
DJANGO_TABLES = (
    *("auth_group", "auth_group_permissions", "auth_permission", "auth_user", "auth_user_groups"),
    *("auth_user_user_permissions", "django_admin_log", "django_content_type", "django_migrations", "django_session"),
)
CASES = (
    Case(name="fastapi", tables=("fruit",), keys=("fruits:added",)),
    Case(
        name="django",
        tables=("fruits_fruit", *DJANGO_TABLES),
        databases=("test_nexus_test",),
        keys=(":1:fruits",),
    ),
    Case(name="flask", tables=("fruit",), keys=("fruits:added",), objects=("fruits/apple",)),
    Case(name="celery", keys=("celery-task-meta-*", "_kombu.*", "unacked*", "shop")),
    Case(name="rq", keys=("rq:*",)),
    Case(name="express", needs=("node", "npm"), tables=("fruit",), keys=("fruits:added",)),
    Case(name="nestjs", needs=("node", "npm"), tables=("fruit",)),
    Case(name="bullmq", needs=("node", "npm"), keys=("bull:shop:*",)),
    Case(
        name="prisma",
        needs=("node", "npm"),
        downloads="binaries.prisma.sh",
        tables=("fruit", "_prisma_migrations"),
        anew=True,
    ),
    Case(name="compose", needs=("docker",)),
    Case(
        name="rails",
        needs=("ruby", "rails", "bundle"),
        tables=("fruits", "schema_migrations", "ar_internal_metadata"),
        databases=("nexus_test-0", "nexus_test-1"),
    ),
    Case(
        name="sidekiq", needs=("ruby", "sidekiq", "bundle"), keys=("sums", "schedule", "queue:shop", "queues", "stat:*")
    ),
    Case(name="go", needs=("go",), tables=("fruit",), keys=("fruits:added",), seconds=300),
    Case(name="spring-boot", needs=("mvn", "java"), tables=("fruit",), keys=("fruits:added",), seconds=300),
)
#: Pages without commands of their own: test_deployments.py
OTHERS = {"devcontainer", "github-actions", "gitlab-ci"}
IN_MAKE_TEST = {"fastapi", "express"}


@pytest.fixture
def tidy(variables: Mapping[str, str], case: Case) -> Iterator[None]:
    """Nothing of the page is in the instance, before and after."""
    _clean(variables, case)
    yield
    _clean(variables, case)


def _clean(variables: Mapping[str, str], case: Case) -> None:
    for url in ("DATABASE_MIGRATION_URL", "DATABASE_TEST_URL"):
        with connect(variables, url) as owner:
            for name in case.tables:
                owner.execute(SQL("DROP TABLE IF EXISTS {} CASCADE").format(Identifier(name)))
    with connect(variables, "DATABASE_TEST_URL", dbname="postgres") as tester:
        for name in case.databases:
            tester.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
    with redis.Redis.from_url(variables["REDIS_URL"], ssl_ca_certs=variables["NEXUSDEV_CA_FILE"]) as client:
        for key in {key for pattern in case.keys for key in client.scan_iter(pattern)}:
            client.delete(key)
    for name in case.objects:
        s3_client(variables).delete_object(Bucket="nexus-app-data", Key=name)


def _resolves(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, 443))
    except OSError:
        return False


def reason_to_skip(case: Case, page: pages.Page, folder: Path) -> str:
    """What this machine lacks for the page; '' for nothing. ``folder``: does not exist yet."""
    missing = [program for program in case.needs if shutil.which(program) is None]
    if missing:
        return f"not installed here: {', '.join(missing)}"
    if case.downloads and not _resolves(case.downloads):
        return f"{case.downloads}, from which the tools of this page download their engine, is not reachable here"
    gems = workshop.missing_gems(page, folder)
    return f"{gems}, and rubygems.org is not reachable here" if gems and not _resolves("rubygems.org") else ""


def test_every_page_has_a_test() -> None:
    assert {case.name for case in CASES} | OTHERS == {page.stem for page in workshop.DOCS.glob("*.md")}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            id=case.name,
            marks=[
                pytest.mark.documented("page", case.name),
                *([] if case.name in IN_MAKE_TEST else [pytest.mark.clients]),
            ],
        )
        for case in CASES
    ],
)
@pytest.mark.usefixtures("tidy")
def test_a_page_works_as_written(project: Project, tmp_path: Path, case: Case) -> None:
    page = pages.read((workshop.DOCS / f"{case.name}.md").read_text(encoding="utf-8"))
    if reason := reason_to_skip(case, page, tmp_path / "gems"):
        pytest.skip(reason)
    environment = workshop.environment_of(project, tmp_path)
    if case.name == "compose":
        environment |= workshop.compose_of(tmp_path)
    folder = workshop.folder_of(case.name, page, environment, anew=case.anew)
    workshop.run(page, folder, environment, tmp_path / "background.log", seconds=case.seconds)
