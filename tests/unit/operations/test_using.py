"""run, exec, clients, seed, and the project's own seed folder."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.context import Context
from nexusdev.deploy.seed_files import backups, collect
from nexusdev.errors import ImageUnavailable, InvalidConfig, NotFound, UsageError
from nexusdev.events import Note
from nexusdev.interfaces import Completed
from nexusdev.operations import gc
from nexusdev.operations.down import down
from nexusdev.operations.exec import client, in_service
from nexusdev.operations.ls import ls
from nexusdev.operations.run import command
from nexusdev.operations.run_in import in_container
from nexusdev.operations.seed import seed
from nexusdev.operations.up import up
from nexusdev.runtimes.image_store import StoredImage
from nexusdev.runtimes.memory.images import MemoryImages
from nexusdev.util import lock
from tests.fakes import House, shown


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
    running.engine.scripts["redis-0"] = lambda argv, stdin: Completed(
        exit_code=7, stdout=(stdin or b"") + b"done", stderr=b"oops"
    )
    out, err = io.BytesIO(), io.BytesIO()
    call = in_service(running.context(), "redis-0", ["sh", "-c", "cat"])
    assert call.attach(io.BytesIO(b"in "), out, err, tty=False) == 7
    assert (out.getvalue(), err.getvalue()) == (b"in done", b"oops")


def test_a_service_that_does_not_run_is_told_from_one_that_does_not_exist(running: House) -> None:
    running.engine.end(running.container("redis-1"))
    with pytest.raises(NotFound, match="redis-1 is not running"):
        in_service(running.context(), "redis-1", ["true"])
    with pytest.raises(UsageError, match="redis-9"):
        in_service(running.context(), "redis-9", ["true"])


def test_a_client_runs_where_its_component_says(running: House) -> None:
    call = client(running.context(), "redis", ["PING"])
    assert (call.service, call.argv) == ("redis-0", ("client", "PING"))


def test_a_client_finds_another_server_while_its_own_is_down(running: House) -> None:
    running.engine.kill(running.container("redis-0"))
    assert client(running.context(), "redis", ["PING"]).service == "redis-1"


def test_a_client_of_what_does_not_run_says_what_to_type(house: House) -> None:
    with pytest.raises(NotFound) as error:
        client(house.context(), "redis", ["PING"])
    assert error.value.hint == "nexusdev up redis"


@pytest.fixture
def pictures(running: House) -> MemoryImages:
    """The engine has one image more; a registry has another."""
    running.store.published["python:3"] = "sha256:1"
    running.store.images["i"] = StoredImage(id="i", tags=("tools:latest",))
    return running.store


@pytest.mark.usefixtures("pictures")
class TestInContainer:
    """run --in: what is run, with what, and what is refused."""

    def test_it_has_the_container_s_view_the_ca_and_what_was_asked_for(self, running: House) -> None:
        running.engine.scripts["tools:latest"] = lambda argv, stdin: Completed(
            exit_code=7, stdout=(stdin or b"") + argv[0].encode(), stderr=b"oops"
        )
        call = in_container(
            running.context(),
            "tools",
            ["app"],
            volumes=[f"{running.project}:/app", f"{running.project}:/data:ro"],
            working_dir="/app",
            user="12:34",
            proof=False,
        )
        out, err = io.BytesIO(), io.BytesIO()
        assert call.attach(io.BytesIO(b"in "), out, err, tty=False) == 7
        assert (out.getvalue(), err.getvalue()) == (b"in app", b"oops")
        [ran] = running.engine.one_offs
        assert (ran.image, ran.argv, ran.working_dir, ran.user) == ("tools:latest", ("app",), "/app", "12:34")
        assert ran.environment["NEXUSDEV_CA_FILE"] == "/run/nexusdev/ca.crt"
        files = running.context().instance().client_folder / "container"
        assert [(each.source, each.target, each.read_only) for each in ran.mounts] == [
            (files, "/run/nexusdev", True),
            (running.project, "/app", False),
            (running.project, "/data", True),
        ]
        assert not call.lock_file.exists()

    def test_any_uid_can_read_what_the_variables_name(self, running: House) -> None:
        folder = running.context().instance().client_folder / "container"
        assert folder.stat().st_mode & 0o777 == 0o755
        modes = {each.name: each.stat().st_mode & 0o777 for each in folder.iterdir()}
        assert modes == dict.fromkeys(("ca.crt", "bundle.pem", "truststore.p12", "java.options"), 0o644)

    def test_an_image_that_is_not_there_is_pulled_and_offline_it_is_not(
        self, running: House, pictures: MemoryImages
    ) -> None:
        with pytest.raises(ImageUnavailable, match="image python:3 is not in the engine"):
            in_container(running.context(offline=True), "python:3", ["x"], proof=False)
        in_container(running.context(), "python:3", ["x"], proof=False)
        assert pictures.find("python:3")
        assert "pulling python:3" in [note.text for note in running.heard.of(Note)]
        with pytest.raises(ImageUnavailable):
            in_container(running.context(), "nobody/has:1", ["x"], proof=False)

    @pytest.mark.parametrize(
        ("volume", "words"),
        [
            ("--", "use SOURCE:TARGET"),
            ("/tmp", "use SOURCE:TARGET"),
            ("/tmp:relative", "with an absolute TARGET"),
            ("/tmp:/a:z", "use SOURCE:TARGET"),
            ("data:/a", "names a volume"),
        ],
    )
    def test_a_volume_that_is_not_understood_is_refused(self, running: House, volume: str, words: str) -> None:
        with pytest.raises(UsageError, match=words):
            in_container(running.context(), "tools", ["x"], volumes=[volume], proof=False)

    def test_a_folder_that_is_not_there_is_not_made(self, running: House) -> None:
        with pytest.raises(NotFound, match="/nonexistent does not exist"):
            in_container(running.context(), "tools", ["x"], volumes=["/nonexistent:/a"], proof=False)

    def test_a_relative_folder_is_seen_from_where_it_was_typed(
        self, running: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(running.project)
        call = in_container(running.context(), "tools", ["x"], volumes=[".:/app"], proof=False)
        assert call.one_off.mounts[1].source == running.project

    def test_an_instance_that_is_down_is_said_to_be(self, running: House) -> None:
        down(running.context())
        call = in_container(running.context(), "tools", ["x"], proof=False)
        with pytest.raises(NotFound, match="instance shop does not run"):
            call.collect(None)
        assert not call.lock_file.exists()

    def test_gc_takes_what_a_killed_run_left_and_nothing_that_runs(self, running: House) -> None:
        call = in_container(running.context(), "tools", ["x"], proof=False)
        context, network = running.context(), next(iter(running.engine.networks.values()))
        with running.engine.throw_away(call.one_off, "shop", str(running.project), network.id):
            assert one_offs(context) == []  # under another state folder, perhaps
            assert shown(ls(context)).data["instances"][0]["containers"] == 3
            with lock.hold(call.lock_file, subject="its container", command="nexusdev run"):
                assert one_offs(context) == []
            [found] = one_offs(context)
            assert (found.name, found.reason) == (call.one_off.name, "left over from a killed nexusdev run")
            gc.remove(context, [found])
            assert running.engine.named(call.one_off.name) is None
            assert not call.lock_file.exists()

    def test_options_of_containers_need_one(self, running: House) -> None:
        ran = running.type("run", "-w", "/app", "--", "true")
        assert (ran.status, "-v, -w and -u need --in IMAGE" in ran.err) == (2, True)


def one_offs(context: Context) -> list[gc.Leftover]:
    inventory = context.provider.inventory()
    return list(gc.left_containers(inventory, context.root))


def test_seed_tells_what_it_changed(running: House) -> None:
    outcome = seed(running.context(), ["redis"])
    assert shown(outcome).data["changes"] == {"redis": ["created something"]}


def test_seed_that_changes_nothing_says_so(running: House) -> None:
    running.redis.changes = running.gateway.changes = ()
    assert shown(seed(running.context())).output == ("nothing to do: everything is already seeded",)


def test_what_does_not_run_cannot_be_seeded(house: House) -> None:
    up(house.context(), ["gateway"])
    with pytest.raises(NotFound, match="redis is not running"):
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

    def test_links_to_folders_are_followed_but_not_in_circles(self, tmp_path: Path) -> None:
        (tmp_path / "fixtures" / "images").mkdir(parents=True)
        (tmp_path / "fixtures" / "images" / "logo.png").write_text("logo")
        bucket = tmp_path / "seed" / "minio" / "nexus-app-data"
        bucket.mkdir(parents=True)
        (bucket / "images").symlink_to(tmp_path / "fixtures" / "images")
        (bucket / "again").symlink_to(tmp_path / "seed")
        [found] = collect(tmp_path / "seed", ("minio",))["minio"]
        assert (found.path, found.content) == ("minio/nexus-app-data/images/logo.png", b"logo")

    def test_a_broken_link_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "minio" / "nexus-app-data").mkdir(parents=True)
        (tmp_path / "minio" / "nexus-app-data" / "gone").symlink_to(tmp_path / "nowhere")
        with pytest.raises(InvalidConfig, match=r"failed to read .*/minio/nexus-app-data/gone"):
            collect(tmp_path, ("minio",))

    @pytest.mark.parametrize("name", ["01.sql~", "#01.sql#", "01.sql.bak", "01.sql.orig", "01.sql.rej", "01.sql.swp"])
    def test_backups_of_editors_are_left_out_and_named(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "postgres").mkdir()
        for each in ("01.sql", name, ".01.sql.swp"):
            (tmp_path / "postgres" / each).write_text("")
        assert [each.path for each in collect(tmp_path, ("postgres",))["postgres"]] == ["postgres/01.sql"]
        assert backups(tmp_path) == (f"postgres/{name}",)

    def test_seeding_names_the_backups_that_it_ignores(self, running: House) -> None:
        (running.project / "seed" / "postgres").mkdir(parents=True)
        (running.project / "seed" / "postgres" / "01.sql~").write_text("DROP TABLE orders")
        seed(running.context())
        words = "seed/postgres/01.sql~ is ignored: it looks like an editor's backup"
        assert (words, True) in [(note.text, note.warning) for note in running.heard.of(Note)]

    def test_a_readme_is_for_people(self, tmp_path: Path) -> None:
        (tmp_path / "README.md").write_text("")
        assert collect(tmp_path, ("postgres",)).get("postgres") is None
