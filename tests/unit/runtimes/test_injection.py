"""A fault is injected into every service, whatever happens to the others."""

from __future__ import annotations

import pytest

from nexusdev.errors import NexusError, NotFound
from nexusdev.runtimes.injection import inject_each


def test_every_service_is_tried_and_an_error_wins_over_an_absent_service() -> None:
    tried = []

    def inject(service: str) -> None:
        tried.append(service)
        if service == "absent":
            raise NotFound("absent does not run")
        if service == "refused":
            raise NexusError("refused")

    with pytest.raises(NexusError, match="refused"):
        inject_each(["absent", "refused", "whole"], inject)
    assert sorted(tried) == ["absent", "refused", "whole"]


def test_an_absent_service_is_told_if_nothing_else_failed() -> None:
    def inject(service: str) -> None:
        if service == "absent":
            raise NotFound("absent does not run")

    with pytest.raises(NotFound, match="absent does not run"):
        inject_each(["whole", "absent"], inject)


def test_nothing_is_injected_into_no_service() -> None:
    inject_each([], pytest.fail)
