"""Where a container reaches the servers of a stack, for tests of components without a runtime."""

from __future__ import annotations

from collections.abc import Mapping

from nexusdev.interfaces import Address, View
from nexusdev.runtimes.docker.addresses import CA_IN_CONTAINERS, CLIENT_FOLDER_IN_CONTAINERS


class _ByName(dict[tuple[str, int], Address]):
    def __missing__(self, key: tuple[str, int]) -> Address:
        return Address(host=key[0], port=key[1])


class SeenFromContainers:
    """The part of a runtime that components' variables need: every service has its own name and port."""

    def addresses(self, view: View) -> Mapping[tuple[str, int], Address]:
        assert view is View.CONTAINER
        return _ByName()

    def ca_path(self, view: View) -> str:
        assert view is View.CONTAINER
        return CA_IN_CONTAINERS

    def client_folder(self, view: View) -> str:
        assert view is View.CONTAINER
        return CLIENT_FOLDER_IN_CONTAINERS
