"""Who has what the engine says is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.errors import ImageUnavailable, InvalidState
from nexusdev.runtimes.docker.conflicts import creation_refused, holder_of, overlapping, port_in_words

ALLOCATED = "driver failed programming external connectivity on endpoint shop-db-1 (1a2b): Bind for 127.0.0.1:21040 failed: port is already allocated"
LISTENED = (
    "driver failed programming external connectivity on endpoint shop-db-1 (1a2b): "
    "Error starting userland proxy: listen tcp4 127.0.0.1:21040: bind: address already in use"
)
DESKTOP = "Ports are not available: exposing port TCP 127.0.0.1:21040 -> 0.0.0.0:0: listen tcp 127.0.0.1:21040: bind: address already in use"
ROOTLESS = "error while calling PortManager.AddPort(): listen tcp4 127.0.0.1:21040: bind: address already in use"


@pytest.mark.parametrize("words", [ALLOCATED, LISTENED, DESKTOP, ROOTLESS])
def test_every_engines_words_for_a_taken_port_are_understood(words: str) -> None:
    assert port_in_words(words) == 21040


@pytest.mark.parametrize("words", ["", "no space left on device", "OCI runtime create failed: 10.0.0.1:5432"])
def test_other_words_are_not_about_ports(words: str) -> None:
    assert port_in_words(words) == 0


def test_a_container_is_named_with_its_image() -> None:
    listed = [{"Id": "c1", "Names": ["/shop-web"], "Image": "nginx:1", "Ports": [{"PublicPort": 21040}]}]
    assert holder_of(21040, listed) == "container shop-web (image nginx:1)"


def proc(folder: Path, *, port: int, readable: bool) -> Path:
    row = f"   0: 0100007F:{port:04X} 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000 100 0 0 10 0\n"
    (folder / "net").mkdir(parents=True)
    (folder / "net" / "tcp").write_text(f"  sl  local_address rem_address\n{row}")
    (folder / "77" / "fd").mkdir(parents=True)
    (folder / "77" / "cmdline").write_text("nginx\0-g\0daemon off;\0")
    if readable:
        (folder / "77" / "fd" / "3").symlink_to("socket:[4711]")
    return folder


def test_a_process_is_found_by_its_socket(tmp_path: Path) -> None:
    assert holder_of(21040, [], proc(tmp_path, port=21040, readable=True)) == "process 77 (nginx -g daemon off;)"


def test_a_process_that_may_not_be_looked_at_is_another_users(tmp_path: Path) -> None:
    assert holder_of(21040, [], proc(tmp_path, port=21040, readable=False)) == "a process of another user"


def test_where_nothing_can_be_seen_nothing_is_said(tmp_path: Path) -> None:
    assert holder_of(21040, [], tmp_path / "none") == ""
    assert holder_of(21040, [], proc(tmp_path, port=9, readable=True)) == ""


def test_networks_overlap_by_their_addresses() -> None:
    networks = [
        {"Name": "wide", "IPAM": {"Config": [{"Subnet": "10.213.0.0/16"}]}},
        {"Name": "far", "IPAM": {"Config": [{"Subnet": "10.214.0.0/24"}]}},
        {"Name": "six", "IPAM": {"Config": [{"Subnet": "fd00::/64"}]}},
        {"Name": "host", "IPAM": {"Config": None}},
    ]
    assert overlapping("10.213.7.0/24", networks) == ["wide (10.213.0.0/16)"]


def test_a_missing_image_and_a_missing_file_have_their_own_errors() -> None:
    assert isinstance(creation_refused("No such image: db:1", service="db", image="db:1"), ImageUnavailable)
    gone = creation_refused(
        "invalid mount config: bind source path does not exist: /state/secrets/x", service="db", image="db:1"
    )
    assert isinstance(gone, InvalidState)
    assert "/state/secrets/x" in gone.message
    assert creation_refused("something else", service="db", image="db:1") is None
