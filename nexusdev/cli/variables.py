"""Prints variables: those of the instance and those of a lease."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nexusdev.util.standard_streams import write_exactly

if TYPE_CHECKING:
    from nexusdev.cli.session import Session
    from nexusdev.operations.env import EnvResult
    from nexusdev.operations.lease_results import LeaseEnvResult


def print_variables(session: Session, found: EnvResult | LeaseEnvResult) -> None:
    """Print the variables; in a job of GitHub Actions, first the commands that mask the secrets in its log."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        session.console.err.writelines(f"::add-mask::{value}\n" for value in found.masked)
    write_exactly(found.text)
