"""The user lists of the compose file, and the page of the docs that explains them."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.components.redis import names
from nexusdev.stack.loader import load

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Secret → user → rules, as the compose file has them."""
    stack = load(ROOT / "compose" / "stack.yaml", {"NEXUS_STATE": str(tmp_path_factory.mktemp("state"))})
    found = {}
    for secret in (names.SERVER_USERS, names.SENTINEL_USERS):
        lines = [line.split(maxsplit=2) for line in stack.secrets[secret].recipe.text.splitlines()]
        found[secret] = {user: rules for _, user, rules in lines}
    return found


@pytest.mark.parametrize("secret", [names.SERVER_USERS, names.SENTINEL_USERS])
def test_a_client_without_a_user_name_is_the_application(lists: dict[str, dict[str, str]], secret: str) -> None:
    assert lists[secret][names.DEFAULT_USER] == lists[secret][names.APP_USER]
    assert "#{{sha256:redis-app}}" in lists[secret][names.DEFAULT_USER]
    assert "nopass" not in lists[secret][names.DEFAULT_USER]


def test_the_documented_rules_match_the_servers(lists: dict[str, dict[str, str]]) -> None:
    _, _, rules = lists[names.SERVER_USERS][names.APP_USER].partition("#{{sha256:redis-app}} ")
    assert f"\n{rules}\n" in (ROOT / "docs" / "rights.md").read_text()


def test_the_eviction_policy_is_noeviction() -> None:
    settings = dict(
        line.split(maxsplit=1)
        for line in (ROOT / "compose" / "redis" / "redis.conf").read_text().splitlines()
        if line and not line.startswith("#")
    )
    assert (settings["maxmemory"], settings["maxmemory-policy"]) == ("512mb", "noeviction")
