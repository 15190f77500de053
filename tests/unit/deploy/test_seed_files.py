"""The project's seed folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.deploy.seed_files import backups, collect
from nexusdev.errors import InvalidConfig
from nexusdev.events import Note
from nexusdev.operations.seed import seed
from nexusdev.operations.up import up
from tests.fakes import House


class TestFolder:
    """The files of seed/, by component and in the order of their names."""

    def test_files_belong_to_the_component_of_their_folder(self, tmp_path: Path) -> None:
        for name in ("postgres/20-data.sql", "postgres/10-schema.sql", "minio/nexus-app-data/a/b.bin", ".git/x"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(name)
        found = collect(tmp_path, ("postgres", "minio"))
        assert [each.path for each in found["postgres"]] == ["postgres/10-schema.sql", "postgres/20-data.sql"]
        assert [each.path for each in found["minio"]] == ["minio/nexus-app-data/a/b.bin"]

    def test_a_missing_folder_has_no_files(self, tmp_path: Path) -> None:
        assert collect(tmp_path / "seed", ("postgres",)) == {}

    def test_an_unknown_component_folder_suggests_the_nearest(self, tmp_path: Path) -> None:
        (tmp_path / "postgre").mkdir()
        (tmp_path / "postgre" / "a.sql").write_text("")
        with pytest.raises(InvalidConfig) as error:
            collect(tmp_path, ("postgres", "minio"))
        assert error.value.hint.endswith("/postgres")

    def test_links_to_folders_are_followed_without_cycles(self, tmp_path: Path) -> None:
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

    def test_seeding_names_the_backups_that_it_ignores(self, house: House) -> None:
        up(house.context())
        (house.project / "seed" / "postgres").mkdir(parents=True)
        (house.project / "seed" / "postgres" / "01.sql~").write_text("DROP TABLE orders")
        seed(house.context())
        words = "seed/postgres/01.sql~ is ignored: it looks like an editor's backup"
        assert (words, True) in [(note.text, note.warning) for note in house.heard.of(Note)]

    def test_a_readme_is_not_a_seed_file(self, tmp_path: Path) -> None:
        (tmp_path / "README.md").write_text("")
        assert collect(tmp_path, ("postgres",)).get("postgres") is None
