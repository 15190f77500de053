"""ports: what each port of the instance reaches."""

from __future__ import annotations

import pytest

from nexusdev.doctor import instance_checks
from nexusdev.operations.doctor import examine
from nexusdev.operations.down import down
from nexusdev.operations.ports import ports
from nexusdev.operations.up import up
from tests.fakes import House


def test_ports_list_their_services(house: House) -> None:
    up(house.context())
    instance = house.context().instance()
    found = {row.port: (row.service, row.container_port) for row in ports(house.context()).ports}
    assert found == {
        instance.port(70): ("redis-0", 6379),
        instance.port(71): ("redis-1", 6379),
        instance.port(79): ("gateway-rw", 6379),
    }


@pytest.mark.parametrize(("end", "fix"), [("kill 78", "kill 78"), ("", "stop what uses it")])
def test_doctor_names_the_command_that_frees_a_port(
    house: House, monkeypatch: pytest.MonkeyPatch, end: str, fix: str
) -> None:
    up(house.context())
    down(house.context())
    port = house.context().instance().port(70)
    house.taken_ports.add(port)
    monkeypatch.setattr(instance_checks, "ending_orphans", lambda ports, _containers: end if ports == [port] else "")
    found = next(each for each in examine(house.context()) if each.name == "ports")
    assert (found.verdict, found.fix) == ("failed", f"{fix}, or: nexusdev up --move-ports")
