"""An application in another namespace, with what ``env --format k8s-secret`` prints and nothing else."""

from __future__ import annotations

import subprocess

import pytest

from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from tests.integration.kind.policies import ELSEWHERE

pytestmark = [pytest.mark.integration, pytest.mark.kind, pytest.mark.usefixtures("applications")]


def psql(kubectl: Kubectl, pod: str, variable: str) -> subprocess.CompletedProcess[bytes]:
    """Ask for the user and whether the server is read-only, by the URL in a variable. libpq verifies the server by PGSSLROOTCERT."""
    asked = "select current_user || ' ' || pg_is_in_recovery()"
    script = f'PGCONNECT_TIMEOUT=5 exec psql "${variable}" -XAtc "{asked}"'
    return kubectl.outcome("exec", f"pod/{pod}", "--namespace", ELSEWHERE, "--", "sh", "-c", script)


@pytest.mark.parametrize(
    ("variable", "answer"),
    [
        ("DATABASE_URL", b"nexus_app false"),
        ("DATABASE_RO_URL", b"nexus_app true"),
        ("DATABASE_POOL_URL", b"nexus_app false"),
    ],
)
def test_a_labelled_pod_uses_the_database_with_the_printed_variables(
    kubectl: Kubectl, variable: str, answer: bytes
) -> None:
    ran = psql(kubectl, "app-client", variable)
    assert ran.stdout.strip() == answer, ran.stderr.decode()


def test_a_pod_without_the_label_is_not_let_in(kubectl: Kubectl) -> None:
    ran = psql(kubectl, "app-stranger", "DATABASE_URL")
    assert ran.returncode == 2
    assert b"timeout expired" in ran.stderr
