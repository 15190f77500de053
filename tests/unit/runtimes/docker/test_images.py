"""What is said of a pull that failed."""

from __future__ import annotations

import pytest

from nexusdev.runtimes.docker.images import not_pulled


@pytest.mark.parametrize(
    ("reference", "words", "hint"),
    [
        (
            "127.0.0.1:5000/team/web:1",
            'Head "http://127.0.0.1:5000/v2/": no basic auth credentials',
            "docker login 127.0.0.1:5000 ",
        ),
        ("ghcr.io/team/web:1", 'Head "https://ghcr.io/v2/": denied: Access denied', "docker login ghcr.io "),
        (
            "team/web:1",
            "pull access denied for team/web, repository does not exist or may require 'docker login'",
            "docker login ",
        ),
        ("127.0.0.1:5000/team/web:1", "manifest unknown", ""),
        ("127.0.0.1:9/web:1", "dial tcp 127.0.0.1:9: connect: connection refused", ""),
    ],
)
def test_a_registry_that_requires_credentials_points_to_the_login(reference: str, words: str, hint: str) -> None:
    error = not_pulled(reference, f"the engine refused: {words}")
    assert error.why == words
    assert error.hint.startswith(hint)
    assert bool(error.hint) is bool(hint)
