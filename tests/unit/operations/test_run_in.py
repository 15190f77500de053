"""run --in: a command in a container of its own."""

from __future__ import annotations

import io

import pytest

from nexusdev.context import Context
from nexusdev.errors import ImageUnavailable, NotFound, UsageError
from nexusdev.events import Note
from nexusdev.interfaces import Completed
from nexusdev.operations import gc
from nexusdev.operations.down import down
from nexusdev.operations.ls import ls
from nexusdev.operations.run_in import in_container
from nexusdev.operations.up import up
from nexusdev.runtimes.image_store import StoredImage
from nexusdev.runtimes.memory.images import MemoryImages
from nexusdev.util import lock
from tests.fakes import House, shown


@pytest.fixture
def running(house: House) -> House:
    up(house.context())
    return house


@pytest.fixture
def pictures(running: House) -> MemoryImages:
    """The engine has one image more; a registry has another."""
    running.store.published["python:3"] = "sha256:1"
    running.store.images["i"] = StoredImage(id="i", tags=("tools:latest",))
    return running.store


@pytest.mark.usefixtures("pictures")
class TestInContainer:
    """run --in: what is run, with what, and what is refused."""

    def test_the_container_has_its_view_the_ca_and_the_requested_options(self, running: House) -> None:
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
        assert running.provider.delivered[-1] == "tools:latest"
        assert not call.lock_file.exists()

    def test_any_uid_can_read_the_files_of_the_variables(self, running: House) -> None:
        folder = running.context().instance().client_folder / "container"
        assert folder.stat().st_mode & 0o777 == 0o755
        modes = {each.name: each.stat().st_mode & 0o777 for each in folder.iterdir()}
        assert modes == dict.fromkeys(("ca.crt", "bundle.pem", "truststore.p12", "java.options"), 0o644)

    def test_a_missing_image_is_pulled_unless_offline(self, running: House, pictures: MemoryImages) -> None:
        with pytest.raises(ImageUnavailable, match="image python:3 is not in the image store"):
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
    def test_an_invalid_volume_option_is_refused(self, running: House, volume: str, words: str) -> None:
        with pytest.raises(UsageError, match=words):
            in_container(running.context(), "tools", ["x"], volumes=[volume], proof=False)

    def test_a_missing_folder_is_not_created(self, running: House) -> None:
        with pytest.raises(NotFound, match="/nonexistent does not exist"):
            in_container(running.context(), "tools", ["x"], volumes=["/nonexistent:/a"], proof=False)

    def test_a_relative_folder_starts_at_the_current_folder(
        self, running: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(running.project)
        call = in_container(running.context(), "tools", ["x"], volumes=[".:/app"], proof=False)
        assert call.one_off.mounts[1].source == running.project

    def test_a_stopped_instance_is_reported(self, running: House) -> None:
        down(running.context())
        call = in_container(running.context(), "tools", ["x"], proof=False)
        with pytest.raises(NotFound, match="instance shop does not run"):
            call.collect(None)
        assert not call.lock_file.exists()

    def test_gc_removes_leftovers_of_a_killed_run_only(self, running: House) -> None:
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

    def test_container_options_require_an_image(self, running: House) -> None:
        ran = running.type("run", "-w", "/app", "--", "true")
        assert (ran.status, "-v, -w and -u need --in IMAGE" in ran.err) == (2, True)


def one_offs(context: Context) -> list[gc.Leftover]:
    inventory = context.provider.inventory()
    return list(gc.left_containers(inventory, context.root))
