"""promtool, from the image that runs the rules, reads every rule file and runs every test beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration import engine

pytestmark = pytest.mark.integration

MONITORING = Path(__file__).parents[3] / "compose" / "monitoring"
RULES = sorted(file.name for file in (MONITORING / "rules").glob("*.yml"))


def promtool(*arguments: str) -> str:
    """What it printed. Raises docker's ContainerError, with what it printed, when it is not content."""
    output = engine.client().containers.run(
        engine.image("prometheus"),
        list(arguments),
        entrypoint=["promtool"],
        volumes={str(MONITORING): {"bind": "/etc/prometheus", "mode": "ro"}},
        network_mode="none",
        read_only=True,
        tmpfs={"/tmp": "size=64m,mode=1777"},
        user="10001:10001",
        working_dir="/etc/prometheus",
        remove=True,
        stderr=True,
    )
    return str(output.decode())


def test_promtool_accepts_the_configuration() -> None:
    assert "SUCCESS" in promtool("check", "config", "--syntax-only", "prometheus.yml")


def test_the_rules_pass_the_linter() -> None:
    reply = promtool("check", "rules", "--lint=all", "--lint-fatal", *(f"rules/{name}" for name in RULES))
    assert reply.count("SUCCESS") == len(RULES)


@pytest.mark.parametrize("name", RULES)
def test_the_rule_tests_pass(name: str) -> None:
    assert "SUCCESS" in promtool("test", "rules", f"rules/tests/{name}")
