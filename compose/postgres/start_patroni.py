"""Waits until etcd has a quorum, then becomes Patroni.

Patroni sleeps five seconds after a first try without etcd. This tries every 50 ms instead, and imports Patroni meanwhile.
"""

import http.client
import json
import ssl
import sys
import threading
import time

MEMBERS = ("etcd-0", "etcd-1", "etcd-2")
CONFIGURATION = "/etc/patroni"


def is_healthy(member: str, context: ssl.SSLContext) -> bool:
    """Whether this member answers and sees a leader."""
    connection = http.client.HTTPSConnection(member, 2379, timeout=1, context=context)
    try:
        connection.request("GET", "/health")
        return json.loads(connection.getresponse().read()).get("health") == "true"
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def watch(member: str, context: ssl.SSLContext, found: threading.Event) -> None:
    """Ask one member until any member is healthy."""
    while not found.is_set():
        if is_healthy(member, context):
            found.set()
        else:
            time.sleep(0.05)


def start_watching() -> threading.Event:
    """An event that is set once etcd can be used."""
    context = ssl.create_default_context(cafile="/run/tls/ca.crt")
    context.load_cert_chain("/run/tls/tls.crt", "/run/tls/tls.key")
    found = threading.Event()
    for member in MEMBERS:
        threading.Thread(target=watch, args=(member, context, found), daemon=True).start()
    return found


def wait_for(found: threading.Event) -> None:
    """Say every ten seconds what is waited for."""
    while not found.wait(10):
        print("waits for etcd: none of its members answers with a quorum", flush=True)


def main() -> None:
    found = start_watching()
    import patroni.dcs.etcd3
    import patroni.ha  # noqa: F401
    from patroni.__main__ import main as be_patroni

    wait_for(found)
    sys.argv = ["patroni", CONFIGURATION]
    be_patroni()


if __name__ == "__main__":
    main()
