"""The records of leases: whoever wants the same name or the same prepared lease, one gets it; a broken record is no lease."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.errors import InvalidState, Locked
from nexusdev.instance.leases import Lease, LeaseRecord, LeaseStore, new_id


@pytest.fixture
def store(tmp_path: Path) -> LeaseStore:
    return LeaseStore(folder=tmp_path)


def record(**members: object) -> LeaseRecord:
    basic = LeaseRecord(id=new_id(), seed="s", created=100.0, expires=200.0, components=("redis",))
    return replace(basic, **members)


def test_an_instance_without_leases_has_none(store: LeaseStore) -> None:
    assert (store.all(), store.find("orders")) == ([], None)


def test_a_lease_is_found_by_its_name_until_it_is_removed(store: LeaseStore) -> None:
    lease = store.add(record(), "orders")
    assert lease
    assert store.find("orders") == lease
    store.remove(lease)
    store.remove(lease)
    assert store.find("orders") is None


def test_removing_a_lease_keeps_another_one_that_has_its_name_now(store: LeaseStore) -> None:
    old = store.add(record(), "orders")
    assert old
    store.remove(old)
    new = store.add(record(), "orders")
    store.remove(old)
    assert store.find("orders") == new


class Claiming(LeaseStore, frozen=True, kw_only=True):
    """Another process gives a name to the prepared lease between the two readings of ``all``."""

    def named(self) -> list[Lease]:
        found = super().named()
        self._claim()
        return found

    def ready(self) -> list[Lease]:
        found = super().ready()
        self._claim()
        return found

    def _claim(self) -> None:
        other = LeaseStore(folder=self.folder)
        for each in other.ready():
            other.claim(each, "orders")


def test_a_lease_that_gets_its_name_while_all_are_read_is_among_them_once(store: LeaseStore) -> None:
    prepared = store.add(record())
    assert prepared
    assert [each.record for each in Claiming(folder=store.folder).all()] == [prepared.record]


def test_concurrent_creators_of_a_name_have_one_winner(store: LeaseStore) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: store.add(record(), "orders"), range(8)))
    (winner,) = filter(None, made)
    assert store.named() == [winner]


def test_concurrent_claims_of_a_prepared_lease_have_one_winner(store: LeaseStore) -> None:
    prepared = store.add(record())
    assert prepared
    with ThreadPoolExecutor(8) as threads:
        claimed = list(threads.map(lambda number: store.claim(prepared, f"orders-{number}"), range(8)))
    (winner,) = filter(None, claimed)
    assert (store.named(), store.ready()) == ([winner], [])


def test_a_prepared_lease_is_kept_if_its_new_name_is_taken(store: LeaseStore) -> None:
    store.add(record(), "orders")
    prepared = store.add(record())
    assert prepared
    assert store.claim(prepared, "orders") is None
    assert store.ready() == [prepared]


def test_the_oldest_prepared_lease_is_the_first(store: LeaseStore) -> None:
    ages = (300.0, 100.0, 200.0)
    for age in ages:
        store.add(record(created=age))
    assert [each.record.created for each in store.ready()] == sorted(ages)


@pytest.mark.parametrize("content", ["", "{", '{"id": 1}', '{"id": "a"}', '{"schema_version": 1}'])
def test_a_broken_record_is_no_lease_but_reserves_its_name(store: LeaseStore, content: str) -> None:
    lease = store.add(record(), "orders")
    assert lease
    (lease.folder / "record.json").write_text(content)
    assert store.named() == []
    assert store.is_taken("orders")
    store.forget("orders")
    assert not store.is_taken("orders")


@pytest.mark.parametrize("name", ["orders", ""], ids=["named", "prepared"])
def test_a_lease_of_another_version_is_left_out_but_known_and_stays(store: LeaseStore, name: str) -> None:
    lease = store.add(record(), name)
    assert lease
    (lease.folder / "record.json").write_text(f'{{"id": "{lease.record.id}", "schema_version": 2, "parts": []}}')
    assert store.all() == []
    assert list(store.foreign().values()) == [lease.record.id]
    store.forget("orders")
    store.tidy()
    assert list(store.foreign().values()) == [lease.record.id]


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO, errno.EACCES])
@pytest.mark.parametrize("method", ["read_bytes", "iterdir"])
def test_a_failure_to_read_is_no_missing_record(
    store: LeaseStore, monkeypatch: pytest.MonkeyPatch, method: str, number: int
) -> None:
    lease = store.add(record(), "orders")

    def fail(path: Path) -> bytes:
        raise OSError(number, os.strerror(number), str(path))

    with monkeypatch.context() as patched:
        patched.setattr(Path, method, fail)
        for ask in (store.all, store.foreign, store.tidy, lambda: store.forget("orders")):
            with pytest.raises(InvalidState, match="failed to read the leases"):
                ask()
    assert store.named() == [lease]


def test_a_readable_lease_is_not_forgotten(store: LeaseStore) -> None:
    store.add(record(), "orders")
    store.forget("orders")
    assert store.is_taken("orders")


def test_a_record_and_its_folder_are_readable_only_by_their_owner(store: LeaseStore) -> None:
    lease = store.add(record(), "orders")
    assert lease
    assert lease.folder.stat().st_mode & 0o077 == 0
    assert (lease.folder / "record.json").stat().st_mode & 0o077 == 0


def test_a_lease_is_locked_while_in_use(store: LeaseStore) -> None:
    with store.working_on("a123456789", "nexusdev lease create"):
        assert store.is_worked_on("a123456789")
        with pytest.raises(Locked, match="lease a123456789"), store.working_on("a123456789", "nexusdev lease drop"):
            pass
    assert not store.is_worked_on("a123456789")


def test_only_folders_with_unreadable_records_are_cleaned_up(store: LeaseStore) -> None:
    broken, kept = store.add(record(), "broken"), store.add(record(), "kept")
    assert broken
    (broken.folder / "record.json").write_text("{")
    store.tidy()
    assert not broken.folder.exists()
    assert store.named() == [kept]


def test_an_incomplete_record_of_a_killed_process_is_cleaned_up(store: LeaseStore) -> None:
    for lease_id in ("a123456789", "b123456789"):
        (store.home / f".new-{lease_id}").mkdir(parents=True)
    with store.working_on("b123456789", "nexusdev lease create"):
        store.tidy()
        assert [each.name for each in store.home.glob(".new-*")] == [".new-b123456789"]


def test_an_id_starts_with_a_letter_and_is_valid_in_every_component() -> None:
    ids = {new_id() for _ in range(500)}
    assert len(ids) == 500
    assert all(each[0].isalpha() and each.isalnum() and each.islower() and len(each) == 10 for each in ids)
