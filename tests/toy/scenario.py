"""What every component gets from the commands once it is declared, on any runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fakes import Typed
from tests.toy.components.toy.component import create

FOLDER = Path(__file__).parent / "compose"
Type = Callable[..., Typed]


def declared() -> dict[str, Any]:
    """The members of a context in which the toy is the whole stack."""
    return {"components": {"toy": create({})}, "compose": FOLDER / "stack.yaml"}


def live_through(type_: Type) -> None:
    """Bring the toy up, look at it with each command, and take it down."""

    def data(*words: str) -> Any:
        ran = type_("--json", *words)
        assert ran.status == 0, (words, ran.out, ran.err)
        return ran.envelope["data"]

    up = data("up")
    assert up["proven"] == {"toy": ["TOY_URL"]}
    [row] = data("status", "--check")["nodes"]
    assert (row["component"], row["service"], row["role"], row["state"], row["ok"]) == (
        *("toy", "toy", "server", "running"),
        True,
    )
    assert data("wait", "toy")["condition"] == "ready"
    env = data("env")
    assert list(env["proven"]) == ["TOY_URL"]
    assert {"TOY_URL", "TOY_TOKEN"} <= env["variables"].keys()
    urls = data("urls")
    assert urls["urls"]["toy"] == env["variables"]["TOY_URL"]
    assert urls["pages"]["toy"] == env["variables"]["TOY_URL"] + "/health"
    assert "toy-token" in [each["name"] for each in data("secrets", "list")["secrets"]]
    assert data("secrets", "show", "toy-token")["value"] == env["variables"]["TOY_TOKEN"]
    assert data("up")["changed"] is False
    logs = type_("logs", "toy")
    assert (logs.status, "stored" in logs.out) == (0, True)
    data("down")
    assert data("status")["ready"] is False
