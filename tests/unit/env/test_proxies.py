"""A proxy of the caller's environment never gets to see the stack."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from nexusdev.env.proxies import forgotten, proxies, with_loopback
from tests.unit.env.servers import refusing_proxy

PROXY = {"HTTPS_PROXY": "http://user:secret@proxy:3128"}
ALL = "127.0.0.1,localhost,::1"


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_every_proxy_variable_is_found(name: str) -> None:
    assert proxies({name: "socks5h://proxy:1080", "PATH": "/bin"}) == (name,)
    assert proxies({name: " "}) == ()


def test_no_exception_is_set_without_a_proxy() -> None:
    assert with_loopback({"NO_PROXY": "corp.example"}) == {}
    assert forgotten({}) == ()


@pytest.mark.parametrize(
    ("said", "upper", "lower"),
    [
        ({}, ALL, ALL),
        ({"NO_PROXY": "localhost"}, "localhost,127.0.0.1,::1", "localhost,127.0.0.1,::1"),
        ({"no_proxy": ".corp, LOCALHOST,"}, ".corp, LOCALHOST,127.0.0.1,::1", ".corp, LOCALHOST,127.0.0.1,::1"),
        ({"NO_PROXY": "a", "no_proxy": "b"}, f"a,{ALL}", f"b,{ALL}"),
        ({"NO_PROXY": "a", "no_proxy": ""}, f"a,{ALL}", f"a,{ALL}"),
        ({"NO_PROXY": "*"}, "*", "*"),
        ({"NO_PROXY": ALL}, ALL, ALL),
    ],
)
def test_loopback_is_added_to_existing_exceptions(said: dict[str, str], upper: str, lower: str) -> None:
    assert with_loopback({**PROXY, **said}) == {"NO_PROXY": upper, "no_proxy": lower}


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ({}, True),
        ({"NO_PROXY": "localhost"}, True),
        ({"NO_PROXY": "127.0.0.1"}, False),
        ({"no_proxy": "127.0.0.0/8"}, False),
        ({"NO_PROXY": "10.0.0.0/8,nonsense/x"}, True),
        ({"NO_PROXY": "*"}, False),
        ({"NO_PROXY": "127.0.0.1", "no_proxy": "localhost"}, True),
        ({"NO_PROXY": "localhost", "no_proxy": "127.0.0.1"}, True),
    ],
)
def test_an_exception_must_be_in_every_variable_that_clients_read(said: dict[str, str], missing: bool) -> None:
    assert forgotten({**PROXY, **said}) == (("127.0.0.1",) if missing else ())


ASK = """
import sys, urllib.request
try:
    urllib.request.urlopen(sys.argv[1], timeout=5)
except OSError as error:
    print(error)
"""


def test_python_bypasses_the_proxy_only_with_the_exception() -> None:
    """The other side of the fake: it would have been asked."""
    with refusing_proxy() as (named, came):
        kept = {"PATH": os.environ["PATH"]}
        for environ in ({**kept, **named}, {**kept, **named, **with_loopback(named)}):
            subprocess.run([sys.executable, "-c", ASK, "http://127.0.0.1:1/"], env=environ, check=True)
    assert len(came) == 1
