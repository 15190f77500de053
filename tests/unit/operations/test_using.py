"""run, exec, clients, seed, and the project's own seed folder."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.errors import InvalidConfig, NotFound, UsageError
from nexusdev.operations.exec import client, in_service
from nexusdev.operations.run import command
from nexusdev.operations.seed import seed
from nexusdev.operations.seed_files import collect
from nexusdev.operations.up import up
from nexusdev.ports import Completed
from tests.fakes import House


@pytest.fixture
def running(house: House) -> House:
    up(house.context())
    return house


def test_a_command_is_run_with_the_variables_of_the_last_up(running: House) -> None:
    found = command(running.context(), ["sh", "-c", "true"], proof=False)
    assert found.environment["REDIS_PLACE"] == "127.0.0.1"
    assert found.argv == ("sh", "-c", "true")
    assert found.program.endswith("/sh")


def test_a_command_asks_no_proxy_for_the_stack(running: House) -> None:
    environ = {"PATH": "/bin:/usr/bin", "HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "corp.example"}
    found = command(replace(running.context(), environ=environ), ["sh"], proof=False)
    assert found.environment["HTTPS_PROXY"] == "http://proxy:3128"
    assert found.environment["NO_PROXY"] == found.environment["no_proxy"] == "corp.example,127.0.0.1,localhost,::1"


def test_a_command_that_is_not_there_is_named(running: House) -> None:
    with pytest.raises(NotFound, match="no-such-command"):
        command(running.context(), ["no-such-command"], proof=False)


def test_a_command_in_a_container_has_our_streams_and_its_own_exit_code(running: House) -> None:
    running.world.scripts["redis-0"] = lambda argv, stdin: Completed(
        exit_code=7, stdout=(stdin or b"") + b"done", stderr=b"oops"
    )
    out, err = io.BytesIO(), io.BytesIO()
    call = in_service(running.context(), "redis-0", ["sh", "-c", "cat"])
    assert call.attach(io.BytesIO(b"in "), out, err, tty=False) == 7
    assert (out.getvalue(), err.getvalue()) == (b"in done", b"oops")


def test_a_service_that_does_not_run_is_told_from_one_that_does_not_exist(running: House) -> None:
    running.world.end(running.container("redis-1"))
    with pytest.raises(NotFound, match="redis-1 does not run"):
        in_service(running.context(), "redis-1", ["true"])
    with pytest.raises(UsageError, match="redis-9"):
        in_service(running.context(), "redis-9", ["true"])


def test_a_client_runs_where_its_component_says(running: House) -> None:
    call = client(running.context(), "redis", ["PING"])
    assert (call.service, call.argv) == ("redis-0", ("client", "PING"))


def test_a_client_finds_another_server_while_its_own_is_down(running: House) -> None:
    running.world.kill(running.container("redis-0"))
    assert client(running.context(), "redis", ["PING"]).service == "redis-1"


def test_a_client_of_what_does_not_run_says_what_to_type(house: House) -> None:
    with pytest.raises(NotFound) as error:
        client(house.context(), "redis", ["PING"])
    assert error.value.hint == "nexusdev up redis"


def test_seed_tells_what_it_changed(running: House) -> None:
    outcome = seed(running.context(), ["redis"])
    assert outcome.data["changes"] == {"redis": ["created something"]}


def test_seed_that_changes_nothing_says_so(running: House) -> None:
    running.redis.changes = running.gateway.changes = ()
    assert seed(running.context()).says == ("nothing to do: everything is as it shall be",)


def test_what_does_not_run_cannot_be_seeded(house: House) -> None:
    up(house.context(), ["gateway"])
    with pytest.raises(NotFound, match="redis does not run"):
        seed(house.context(), ["redis"])


class TestFolder:
    """The files of seed/, by component and in the order of their names."""

    def test_files_belong_to_the_component_of_their_folder(self, tmp_path: Path) -> None:
        for name in ("postgres/20-data.sql", "postgres/10-schema.sql", "minio/nexus-app-data/a/b.bin", ".git/x"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(name)
        found = collect(tmp_path, ("postgres", "minio"))
        assert [each.path for each in found["postgres"]] == ["postgres/10-schema.sql", "postgres/20-data.sql"]
        assert [each.path for each in found["minio"]] == ["minio/nexus-app-data/a/b.bin"]

    def test_no_folder_is_no_files(self, tmp_path: Path) -> None:
        assert collect(tmp_path / "seed", ("postgres",)) == {}

    def test_a_folder_that_is_no_components_is_answered_with_the_nearest(self, tmp_path: Path) -> None:
        (tmp_path / "postgre").mkdir()
        (tmp_path / "postgre" / "a.sql").write_text("")
        with pytest.raises(InvalidConfig) as error:
            collect(tmp_path, ("postgres", "minio"))
        assert error.value.hint.endswith("/postgres")

    def test_a_readme_is_for_people(self, tmp_path: Path) -> None:
        (tmp_path / "README.md").write_text("")
        assert collect(tmp_path, ("postgres",)).get("postgres") is None
