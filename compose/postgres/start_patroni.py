"""Waits until etcd has a quorum, clears away what a killed first start left behind, then becomes Patroni.

Patroni sleeps five seconds after a first try without etcd. This tries every 50 ms instead, and imports Patroni meanwhile.

A node that is killed while it makes the cluster leaves a database without roles and the key `initialize` without a value: Patroni would take
the one for finished and wait for the other forever. So a volume is marked `unfinished` until its database has served in the cluster (the
callback on_start removes the mark), and only what is marked, and does not belong to the cluster that etcd knows, is ever removed.
"""

import base64
import http.client
import json
import os
import shutil
import ssl
import sys
import threading
import time
from pathlib import Path

MEMBERS = ("etcd-0", "etcd-1", "etcd-2")
CONFIGURATION = "/etc/patroni"
DATA = Path("/data/postgresql")
UNFINISHED = Path("/data/unfinished")
# Sockets and Patroni's password file.
SOCKETS = Path("/tmp/postgresql")  # noqa: S108 - the container's tmpfs
KEYS = "/nexus/nexus/"
# How long (seconds) a claim to create the cluster is valid while no node is seen to create it.
PATIENCE = 10


class Etcd:
    """The JSON gateway of whichever member answers."""

    def __init__(self):
        self.context = ssl.create_default_context(cafile="/run/tls/ca.crt")
        self.context.load_cert_chain("/run/tls/tls.crt", "/run/tls/tls.key")

    def ask(self, member, method, path, body=None):
        """The reply as JSON; OSError or ValueError when there is none."""
        connection = http.client.HTTPSConnection(member, 2379, timeout=1, context=self.context)
        try:
            connection.request(method, path, body=json.dumps(body) if body else None)
            return json.loads(connection.getresponse().read())
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()

    def post(self, path, body):
        """The first answer; again and again while no member gives one."""
        while True:
            for member in MEMBERS:
                try:
                    reply = self.ask(member, "POST", path, body)
                except (OSError, ValueError):
                    continue
                if "header" in reply:
                    return reply
            time.sleep(0.1)

    def read(self, prefix):
        """Key (without the common prefix) → value, for all keys below ``prefix``."""
        first = KEYS + prefix
        reply = self.post(
            "/v3/kv/range", {"key": encoded(first), "range_end": encoded(first[:-1] + chr(ord(first[-1]) + 1))}
        )
        return {decoded(pair["key"])[len(KEYS) :]: decoded(pair.get("value", "")) for pair in reply.get("kvs", ())}

    def drop_claim(self):
        """Remove `initialize`, unless it has got a value in the meantime."""
        key = encoded(KEYS + "initialize")
        compare = [
            {"key": key, "target": "VALUE", "result": "EQUAL", "value": ""},
            {"key": key, "target": "CREATE", "result": "GREATER", "create_revision": "0"},
        ]
        self.post("/v3/kv/txn", {"compare": compare, "success": [{"request_delete_range": {"key": key}}]})


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def decoded(text):
    return base64.b64decode(text).decode()


def say(text):
    print(f"{os.environ['PATRONI_NAME']}: {text}", flush=True)


def wait_for_quorum(etcd):
    """Return once a member sees a leader; all are asked at once, every 50 ms."""
    found = threading.Event()

    def watch(member):
        while not found.is_set():
            try:
                if etcd.ask(member, "GET", "/health").get("health") == "true":
                    found.set()
            except (OSError, ValueError):
                pass
            time.sleep(0.05)

    for member in MEMBERS:
        threading.Thread(target=watch, args=(member,), daemon=True).start()
    while not found.wait(10):
        say("waits for etcd: none of its members answers with a quorum")


def identifier():
    """The system identifier of the database here; '' when there is none, or not enough of one."""
    try:
        return str(int.from_bytes((DATA / "global" / "pg_control").read_bytes()[:8], sys.byteorder))
    except OSError:
        return ""


def clear_own(cluster):
    """Whether something of an unfinished start was here; it is gone then. ``cluster``: the identifier that etcd knows."""
    if not DATA.exists():
        UNFINISHED.touch()
        return False
    if not UNFINISHED.exists():
        return False
    if cluster and identifier() == cluster:
        UNFINISHED.unlink()
        return False
    say("removes what an interrupted first start left on its volume")
    shutil.rmtree(DATA)
    return True


def is_busy(member):
    return json.loads(member).get("state", "stopped") != "stopped"


def settle_claim(etcd, mine):
    """Drop a claim to make the cluster that is ours from before, or that nobody is seen to follow."""
    own = "members/" + os.environ["PATRONI_NAME"]
    given_up = time.monotonic() + PATIENCE
    while True:
        claim = etcd.read("initialize")
        if claim.get("initialize") != "":
            return
        members = etcd.read("members/")
        mine = mine or is_busy(members.pop(own, "{}"))
        if mine or time.monotonic() > given_up:
            say("drops the claim of an interrupted first start")
            etcd.drop_claim()
            return
        if any(map(is_busy, members.values())):
            return
        time.sleep(0.1)


def prepare():
    """All that comes before Patroni."""
    # A container that is restarted in its pod keeps its /tmp: the lock file of a killed server may name a process that exists again.
    shutil.rmtree(SOCKETS, ignore_errors=True)
    etcd = Etcd()
    wait_for_quorum(etcd)
    cluster = etcd.read("initialize").get("initialize", "")
    settle_claim(etcd, clear_own(cluster))


def main():
    if os.environ.get("NEXUS_SINGLE"):
        import single

        sys.exit(single.serve(CONFIGURATION))
    import refusals

    refusals.watch()
    preparing = threading.Thread(target=prepare)
    preparing.start()
    import patroni.dcs.etcd3
    import patroni.ha  # noqa: F401
    from patroni.__main__ import main as be_patroni

    preparing.join()
    sys.argv = ["patroni", CONFIGURATION]
    be_patroni()


if __name__ == "__main__":
    main()
