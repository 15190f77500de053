"""What the fixtures give: pytest prints it when a test fails, so it shows no secret."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from nexusdev.testing.resources import ConcealedVariables, PostgresDatabase, RedisUser, S3Bucket, VaultFolder

pytest_plugins = ["pytester"]

SECRET = "hunter2"
VARIABLES = {
    "PGDATABASE": "lease_a",
    "PGSSLROOTCERT": "ca.crt",
    "DATABASE_URL": f"postgresql://lease_a:{SECRET}@localhost/lease_a",
    "DATABASE_RO_URL": f"postgresql://lease_a:{SECRET}@localhost/lease_a",
    "DATABASE_POOL_URL": f"postgresql://lease_a:{SECRET}@localhost/lease_a",
    "DATABASE_ASYNC_URL": f"postgresql+asyncpg://lease_a:{SECRET}@localhost/lease_a",
    "REDIS_URL": f"rediss://lease-a:{SECRET}@localhost/0",
    "REDIS_KEY_PREFIX": "lease:a:",
    "S3_BUCKET": "nexus-lease-a",
    "MINIO_ENDPOINT": "localhost:9000",
    "MINIO_ACCESS_KEY": f"{SECRET}-key",
    "MINIO_SECRET_KEY": SECRET,
    "AWS_REGION": "eu-central-1",
    "VAULT_ADDR": "https://localhost:8200",
    "VAULT_TOKEN": SECRET,
    "VAULT_KV_PREFIX": "leases/a/",
    "VAULT_CACERT": "ca.crt",
}


@pytest.mark.parametrize(
    ("given", "shows"),
    [
        (PostgresDatabase.of(VARIABLES), "lease_a"),
        (RedisUser.of(VARIABLES, "ca.crt"), "lease:a:"),
        (S3Bucket.of(VARIABLES, "ca.crt"), "nexus-lease-a"),
        (VaultFolder.of(VARIABLES), "leases/a/"),
        (ConcealedVariables(VARIABLES), "VAULT_TOKEN"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_repr_shows_what_it_is_and_no_secret(given: object, shows: str) -> None:
    assert shows in repr(given)
    assert SECRET not in repr(given)


def test_concealed_variables_are_an_environment() -> None:
    given = ConcealedVariables({**os.environ, "VAULT_TOKEN": SECRET})
    program = "import os; print(os.environ['VAULT_TOKEN'])"
    ran = subprocess.run([sys.executable, "-c", program], env=given, stdout=subprocess.PIPE, text=True, check=True)
    assert ran.stdout == f"{SECRET}\n"


def test_a_failed_test_prints_no_secret(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        import pytest
        from nexusdev.testing.resources import ConcealedVariables, PostgresDatabase

        VARIABLES = ConcealedVariables({VARIABLES!r})

        @pytest.fixture
        def database():
            return PostgresDatabase.of(VARIABLES)

        @pytest.fixture
        def variables():
            return VARIABLES

        def test_it(database, variables):
            assert False
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist", "-vv", "--showlocals")
    result.assert_outcomes(failed=1)
    assert "PGDATABASE" in result.stdout.str()
    assert SECRET not in result.stdout.str()
