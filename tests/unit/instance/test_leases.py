"""The records of leases: whoever wants the same name or the same prepared lease, one gets it; a broken record is no lease."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.errors import Locked
from nexusdev.instance.leases import LeaseRecord, LeaseStore, new_id


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


def test_of_many_that_want_a_name_one_gets_it(store: LeaseStore) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: store.add(record(), "orders"), range(8)))
    (winner,) = filter(None, made)
    assert store.named() == [winner]


def test_of_many_that_claim_a_prepared_lease_one_gets_it(store: LeaseStore) -> None:
    prepared = store.add(record())
    assert prepared
    with ThreadPoolExecutor(8) as threads:
        claimed = list(threads.map(lambda number: store.claim(prepared, f"orders-{number}"), range(8)))
    (winner,) = filter(None, claimed)
    assert (store.named(), store.ready()) == ([winner], [])


def test_a_prepared_lease_stays_where_its_new_name_is_taken(store: LeaseStore) -> None:
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


@pytest.mark.parametrize("content", ["", "{", '{"id": 1}', '{"schema_version": 2}'])
def test_a_record_that_cannot_be_read_is_no_lease_but_keeps_its_name(store: LeaseStore, content: str) -> None:
    lease = store.add(record(), "orders")
    assert lease
    (lease.folder / "record.json").write_text(content)
    assert store.named() == []
    assert store.is_taken("orders")
    store.forget("orders")
    assert not store.is_taken("orders")


def test_a_lease_that_can_be_read_is_not_forgotten(store: LeaseStore) -> None:
    store.add(record(), "orders")
    store.forget("orders")
    assert store.is_taken("orders")


def test_a_record_and_its_folder_are_readable_by_their_owner_alone(store: LeaseStore) -> None:
    lease = store.add(record(), "orders")
    assert lease
    assert lease.folder.stat().st_mode & 0o077 == 0
    assert (lease.folder / "record.json").stat().st_mode & 0o077 == 0


def test_two_do_not_work_on_a_lease_at_once(store: LeaseStore) -> None:
    with store.working_on("a123456789", "nexusdev lease create"):
        assert store.is_worked_on("a123456789")
        with pytest.raises(Locked, match="lease a123456789"), store.working_on("a123456789", "nexusdev lease drop"):
            pass
    assert not store.is_worked_on("a123456789")


def test_a_folder_whose_record_cannot_be_read_is_tidied_up_and_others_stay(store: LeaseStore) -> None:
    broken, kept = store.add(record(), "broken"), store.add(record(), "kept")
    assert broken
    (broken.folder / "record.json").write_text("{")
    store.tidy()
    assert not broken.folder.exists()
    assert store.named() == [kept]


def test_a_record_whose_process_was_killed_before_it_was_complete_is_tidied_up(store: LeaseStore) -> None:
    for lease_id in ("a123456789", "b123456789"):
        (store.home / f".new-{lease_id}").mkdir(parents=True)
    with store.working_on("b123456789", "nexusdev lease create"):
        store.tidy()
        assert [each.name for each in store.home.glob(".new-*")] == [".new-b123456789"]


def test_an_id_begins_with_a_letter_and_fits_everywhere() -> None:
    ids = {new_id() for _ in range(500)}
    assert len(ids) == 500
    assert all(each[0].isalpha() and each.isalnum() and each.islower() and len(each) == 10 for each in ids)
