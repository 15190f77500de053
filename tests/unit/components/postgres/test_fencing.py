"""The leader key of a dead primary: read, compared and deleted in etcd's own words."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from nexusdev.components import https_connection
from nexusdev.components.https_connection import Response
from nexusdev.components.postgres.fencing import LEADER_KEY, LeaderKey, deletion, fence, leader_key
from nexusdev.interfaces import InstanceAccess


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


class Etcd:
    """etcd's HTTP gateway with one key. ``silent``: how many members do not answer."""

    def __init__(self, holder: str, *, revision: int = 7, silent: int = 0) -> None:
        self.holder = holder
        self.revision = revision
        self.silent = silent
        self.moved = False
        self.asked: list[str] = []

    def request(self, method: str, address: object, path: str, *, name: str, body: bytes, **_: Any) -> Response:
        import json

        self.asked.append(f"{name} {path}")
        if self.silent:
            self.silent -= 1
            raise ConnectionRefusedError("refused")
        document = json.loads(body)
        if path == "/v3/kv/range":
            return self._reply({"kvs": [self._key()]} if self.holder else {})
        revision = self.revision + self.moved
        wanted = document["compare"]
        holds = wanted[0]["value"] == encoded(self.holder) and wanted[1]["mod_revision"] == str(revision)
        if holds:
            self.holder = ""
        return self._reply({"succeeded": True} if holds else {})

    def _key(self) -> dict[str, str]:
        return {"key": encoded(LEADER_KEY), "value": encoded(self.holder), "mod_revision": str(self.revision)}

    @staticmethod
    def _reply(document: object) -> Response:
        import json

        return Response(status=200, body=json.dumps(document).encode())


@pytest.fixture
def etcd(monkeypatch: pytest.MonkeyPatch) -> Etcd:
    found = Etcd("postgresql-0")
    monkeypatch.setattr(https_connection, "request", found.request)
    return found


def test_the_key_of_a_dead_primary_is_deleted(access: InstanceAccess, etcd: Etcd) -> None:
    done = fence(access, "postgresql-0")
    assert done.done == "deleted the leader key of postgresql-0 (revision 7)"
    assert etcd.holder == ""


def test_the_key_of_another_server_stays(access: InstanceAccess, etcd: Etcd) -> None:
    assert fence(access, "postgresql-1").why == "postgresql-0 holds the leader key"
    assert etcd.holder == "postgresql-0"


def test_a_key_that_was_written_again_meanwhile_stays(access: InstanceAccess, etcd: Etcd) -> None:
    etcd.moved = True
    assert fence(access, "postgresql-0").why == "the leader key was written again meanwhile"
    assert etcd.holder == "postgresql-0"


def test_without_a_key_there_is_nothing_to_do(access: InstanceAccess, etcd: Etcd) -> None:
    etcd.holder = ""
    assert fence(access, "postgresql-0").why == "no server holds the leader key"


def test_another_member_of_etcd_is_asked_if_one_does_not_answer(access: InstanceAccess, etcd: Etcd) -> None:
    etcd.silent = 1
    assert fence(access, "postgresql-0").done
    assert etcd.asked[0].startswith("etcd-0 ")
    assert etcd.asked[1].startswith("etcd-1 ")


def test_without_etcd_nothing_is_done(access: InstanceAccess, etcd: Etcd) -> None:
    etcd.silent = 9
    assert fence(access, "postgresql-0").why.startswith("no member of etcd answers; ")


def test_other_services_are_never_fenced(access: InstanceAccess, etcd: Etcd) -> None:
    assert fence(access, "etcd-0").why == "it is no PostgreSQL server"
    assert etcd.asked == []


def test_the_deletion_is_guarded_by_value_and_revision() -> None:
    guards = deletion(LeaderKey(holder="postgresql-2", revision=41))["compare"]
    assert [(each["target"], each["result"]) for each in guards] == [("VALUE", "EQUAL"), ("MOD", "EQUAL")]
    assert guards[0]["value"] == encoded("postgresql-2")
    assert guards[1]["mod_revision"] == "41"


def test_no_key_in_the_reply() -> None:
    assert leader_key({"header": {}}) is None
