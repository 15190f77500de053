"""The page about Prisma where its native engine cannot be downloaded: its schema and program with the engine in WebAssembly of Prisma 6."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests import pages
from tests.integration.clients.toolchains import needed
from tests.integration.conftest import Project
from tests.integration.frameworks import workshop
from tests.integration.postgres.test_postgres import connect

pytestmark = [pytest.mark.integration, pytest.mark.clients]

INSTALL = """npm init --yes >/dev/null
npm install --silent --ignore-scripts prisma@6.19 @prisma/client@6.19 @prisma/adapter-pg@6.19 pg
npm install --silent tsx
"""
CONFIG = Path(__file__).parent / "prisma.config.ts"


@pytest.fixture
def page() -> pages.Page:
    """The page's schema and program; Prisma 6 wants a URL in the schema, and its client to be told that it has no engine."""
    written = pages.read((workshop.DOCS / "prisma.md").read_text(encoding="utf-8"))
    schema = written.files["schema.prisma"]
    schema = schema.replace('provider = "postgresql"', 'provider = "postgresql"\n  url = env("DATABASE_MIGRATION_URL")')
    schema = re.sub(r'output .*"generated"', 'output = "generated"\n  engineType = "client"', schema)
    files = {**written.files, "schema.prisma": schema, "prisma.config.ts": CONFIG.read_text()}
    commands = (
        pages.Command(text="nexusdev run -- npx --no-install prisma migrate dev --name init"),
        pages.Command(text="nexusdev run -- npx --no-install prisma migrate status"),
        written.commands[-1],
    )
    return pages.Page(before={}, files=files, install=INSTALL, commands=commands)


@pytest.fixture
def _tidy(variables: Mapping[str, str]) -> Iterator[None]:
    def drop() -> None:
        with connect(variables, "DATABASE_MIGRATION_URL") as owner:
            owner.execute("DROP TABLE IF EXISTS fruit, _prisma_migrations")

    drop()
    yield
    drop()


@pytest.mark.usefixtures("_tidy")
def test_migrations_use_a_shadow_database(
    project: Project, variables: Mapping[str, str], tmp_path: Path, page: pages.Page
) -> None:
    needed("npm")
    environment = workshop.environment_of(project, tmp_path)
    folder = workshop.folder_of("prisma-wasm", page, environment, anew=True)
    workshop.run(page, folder, environment, tmp_path / "background.log", seconds=240)
    (migration,) = folder.glob("migrations/*_init/migration.sql")
    assert 'CREATE TABLE "fruit"' in migration.read_text()
    with connect(variables, "DATABASE_TEST_URL") as tester:
        shadows = "SELECT datname FROM pg_database WHERE datname LIKE 'prisma_migrate_shadow%'"
        assert tester.execute(shadows).fetchall() == []
