"""Claims of test runs on instances that they brought up."""

from __future__ import annotations

from pathlib import Path

from nexusdev.instance.run_claims import Claims, RunClaim


def test_an_instance_without_a_claim_was_not_brought_up_by_a_test_run(tmp_path: Path) -> None:
    claims = Claims(root=tmp_path)
    assert claims.read("shop") is None
    claims.write("shop", None)
    assert claims.abandoned() == []


def test_a_claim_is_kept_until_it_is_removed(tmp_path: Path) -> None:
    claims = Claims(root=tmp_path)
    claims.write("shop", RunClaim(runs=("a",), created=True))
    assert claims.read("shop") == RunClaim(runs=("a",), created=True)
    claims.write("shop", None)
    assert claims.read("shop") is None


def test_an_instance_is_abandoned_when_all_its_runs_have_ended(tmp_path: Path) -> None:
    claims = Claims(root=tmp_path)
    claims.write("shop", RunClaim(runs=("a", "b")))
    with claims.living("b", "pytest"):
        assert claims.alive(RunClaim(runs=("a", "b"))) == ("b",)
        assert claims.abandoned() == []
    assert claims.abandoned() == ["shop"]
    assert [each.name for each in (tmp_path / "pytest").iterdir()] == ["shop.json"]


def test_a_broken_claim_has_no_runs(tmp_path: Path) -> None:
    claims = Claims(root=tmp_path)
    claims.write("shop", RunClaim())
    (tmp_path / "pytest" / "shop.json").write_text("{")
    assert claims.read("shop") == RunClaim()
    assert claims.abandoned() == ["shop"]
