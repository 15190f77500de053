"""`nexusdev demo` on the real stack: what it promises happens, and what it stores is kept apart and removed as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import psycopg
import pytest

from nexusdev.demo import chapters, shop
from tests.integration import application as app
from tests.integration.conftest import Project
from tests.selection import examples

pytestmark = pytest.mark.integration


@pytest.fixture
def owner(variables: Mapping[str, str]) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """The owner of the tables, as a migration uses it."""
    with psycopg.connect(
        variables["DATABASE_MIGRATION_URL"], sslrootcert=variables["PGSSLROOTCERT"], autocommit=True
    ) as connection:
        yield connection


@pytest.fixture
def cleaned(project: Project) -> Iterator[None]:
    """Nothing of the demo before and after a test."""
    assert project.run("demo", "--clean").code == 0
    yield
    assert project.run("demo", "--clean").code == 0


def left(variables: Mapping[str, str], owner: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    """What is stored of the demo, as an application sees it."""
    schema = owner.execute("SELECT nspname FROM pg_namespace WHERE nspname = %s", (shop.SCHEMA,)).fetchall()
    keys = list(app.plain_redis(variables).scan_iter(f"{shop.PREFIX}*"))
    buckets = [each["Name"] for each in app.s3_client(variables).list_buckets()["Buckets"]]
    return [*(str(row[0]) for row in schema), *map(str, keys), *(name for name in buckets if name == shop.BUCKET)]


def words_of(text: str) -> str:
    """The text of an error without the line breaks of its layout."""
    return " ".join(text.split())


CHAPTERS = {
    "what breaks nothing": ("stack", "data", "use", "credentials"),
    "the whole tour": tuple(each.name for each in chapters.CHAPTERS),
}


@pytest.mark.usefixtures("heal", "cleaned")
@pytest.mark.parametrize("tour", examples([*CHAPTERS], in_make_test=["what breaks nothing"]))
def test_every_chapter_shows_what_it_promises(project: Project, tour: str) -> None:
    ran = project.run("demo", "--fast", "--yes", *CHAPTERS[tour], timeout=600)
    assert ran.code == 0, ran.out + ran.err
    titles = [line for line in ran.out.splitlines() if f" of {len(CHAPTERS[tour])}: " in line]
    assert len(titles) == len(CHAPTERS[tour])
    assert "1000 orders in the schema nexusdev_demo" in ran.out
    assert "nexusdev demo --clean" in ran.out
    assert ("RedisNodeDown" in ran.out) == ("alert" in CHAPTERS[tour])
    assert project.run("status", "--check").code == 0


def test_the_sample_data_is_removed_and_nothing_else(
    project: Project,
    cleaned: None,
    variables: Mapping[str, str],
    owner: psycopg.Connection[tuple[object, ...]],
) -> None:
    keys = app.plain_redis(variables)
    keys.set("nexusdev-demonstration", "mine")
    owner.execute("CREATE TABLE demo_orders (id int)")
    try:
        assert project.run("demo", "--fast", "use").code == 0
        assert len(left(variables, owner)) > shop.PRODUCTS
        assert project.run("demo", "--clean").code == 0
        assert left(variables, owner) == []
        assert keys.get("nexusdev-demonstration") is not None
        owner.execute("SELECT id FROM demo_orders")
    finally:
        keys.delete("nexusdev-demonstration")
        owner.execute("DROP TABLE demo_orders")


def test_a_schema_of_the_same_name_that_is_not_the_demos_is_left_alone(
    project: Project, cleaned: None, owner: psycopg.Connection[tuple[object, ...]]
) -> None:
    owner.execute(f"CREATE SCHEMA {shop.SCHEMA}; CREATE TABLE {shop.SCHEMA}.orders (mine int)")
    try:
        for words in (("demo", "--fast", "data"), ("demo", "--clean")):
            ran = project.run(*words)
            assert ran.code == 4
            assert f"the schema {shop.SCHEMA} is not of nexusdev demo: rename it" in words_of(ran.err)
        owner.execute(f"SELECT mine FROM {shop.SCHEMA}.orders")
    finally:
        owner.execute(f"DROP SCHEMA {shop.SCHEMA} CASCADE")


def test_a_bucket_of_the_same_name_that_is_not_the_demos_is_left_alone(
    project: Project, cleaned: None, variables: Mapping[str, str]
) -> None:
    store = app.s3_client(variables)
    store.create_bucket(Bucket=shop.BUCKET)
    store.put_object(Bucket=shop.BUCKET, Key="mine.txt", Body=b"mine")
    try:
        ran = project.run("demo", "--clean")
        assert ran.code == 4
        assert f"the bucket {shop.BUCKET} is not of nexusdev demo: rename it" in words_of(ran.err)
        assert store.get_object(Bucket=shop.BUCKET, Key="mine.txt")["Body"].read() == b"mine"
    finally:
        store.delete_object(Bucket=shop.BUCKET, Key="mine.txt")
        store.delete_bucket(Bucket=shop.BUCKET)


def test_a_chapter_that_breaks_servers_is_refused_while_others_are_connected(
    project: Project, variables: Mapping[str, str]
) -> None:
    client = app.plain_redis(variables)
    client.ping()
    try:
        ran = project.run("demo", "--fast", "redis")
    finally:
        client.close()
    assert ran.code == 13
    assert "nexusdev demo --yes" in ran.err
