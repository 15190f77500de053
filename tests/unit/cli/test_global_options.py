"""Global options may stand anywhere, but never in the words of another program."""

from __future__ import annotations

import pytest

from nexusdev.cli.global_options import may_color, move_global_options_first, wants_json


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("up --json", "--json up"),
        ("up redis -i shop --timeout 10m", "-i shop --timeout 10m up redis"),
        ("status --instance=shop --check", "--instance=shop status --check"),
        ("-q up -y", "-q -y up"),
        ("destroy -yq", "-yq destroy"),
        ("status -ishop --check", "-ishop status --check"),
        ("logs - -fn5", "logs - -fn5"),
        ("images list --json", "--json images list"),
        ("run -- psql -i x --json", "run -- psql -i x --json"),
        ("run -i shop -- make -q", "-i shop run -- make -q"),
        ("run make -q", "run make -q"),
        ("run --in x -v ./a:/a -i shop -w /a -- make -q", "-i shop run --in x -v ./a:/a -w /a -- make -q"),
        ("run --no-proof -i shop -- make", "-i shop run --no-proof -- make"),
        ("run --in x make -v", "run --in x make -v"),
        ("-v run --in x -- make", "-v run --in x -- make"),
        ("psql -q -c x", "psql -q -c x"),
        ("psql --json -- -q", "--json psql -- -q"),
        ("redis -i 5 PING", "redis -i 5 PING"),
        ("exec redis-0 ls -q", "exec redis-0 ls -q"),
        ("exec -i shop redis-0 ls -q", "-i shop exec redis-0 ls -q"),
        ("exec redis-0 --json -- ls -q", "--json exec redis-0 -- ls -q"),
        ("exec redis-0 grep -q -- a", "exec redis-0 grep -q -- a"),
        ("exec -T redis-0 --json -- ls -q", "--json exec -T redis-0 -- ls -q"),
        ("exec -T redis-0 ls -q -T", "exec -T redis-0 ls -q -T"),
        ("psql --no-stdin --json -- -q", "--json psql --no-stdin -- -q"),
        ("psql --no-stdin -q -c x", "psql --no-stdin -q -c x"),
        ("logs -f redis -n 5", "logs -f redis -n 5"),
        ("up --context team --namespace shop", "--context team --namespace shop up"),
        ("env --namespace shop --context=team", "--context=team env --namespace shop"),
        ("env --namespace=shop --json", "--json env --namespace=shop"),
        ("--namespace a env --namespace b", "--namespace a env --namespace b"),
    ],
)
def test_options_are_found_at_any_position(typed: str, read: str) -> None:
    assert move_global_options_first(typed.split()) == read.split()


def test_json_is_detected_before_parsing() -> None:
    assert wants_json(move_global_options_first(["bogus", "--json"]))
    assert not wants_json(move_global_options_first(["run", "--", "x", "--json"]))


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_color_is_respected(environ: dict[str, str]) -> None:
    assert not may_color(["up"], environ)
    assert may_color(["up"], {"TERM": "xterm"})
    assert not may_color(["--no-color", "up"], {})
