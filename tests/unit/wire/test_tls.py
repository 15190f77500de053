"""What a connection does with the name of its server."""

from __future__ import annotations

import ssl

import pytest

from nexusdev.interfaces import Address
from nexusdev.wire import tls


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example"], ids=["an empty label", "a label that is too long"])
def test_an_invalid_host_name_is_an_unreachable_server(host: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with pytest.raises(OSError, match=r".+"):
        tls.connected(Address(host=host, port=1), context)
