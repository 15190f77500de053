"""ports: what each port of the instance reaches."""

from __future__ import annotations

from nexusdev.operations.ports import ports
from nexusdev.operations.up import up
from tests.fakes import House


def test_ports_say_what_they_reach(house: House) -> None:
    up(house.context())
    instance = house.context().instance()
    found = {row.port: (row.service, row.container_port) for row in ports(house.context()).ports}
    assert found == {
        instance.port(70): ("redis-0", 6379),
        instance.port(71): ("redis-1", 6379),
        instance.port(79): ("gateway-rw", 6379),
    }
