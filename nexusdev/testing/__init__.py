"""What test suites use: the pytest plugin, and the objects that its fixtures give.

plugin.py       options, fixtures and hooks; imports the standard library and pytest alone, because every pytest run loads it
chaos.py        failures of servers, and the way back
turns.py        tests run side by side, a test that breaks servers runs alone
failure.py      what the report of a failed test says about the servers
ephemeral.py    a throw-away stack with its data in memory (--nexus=ephemeral)
reaper.py       the process that removes it when the test run has ended, however it ended
containers.py   the same for testcontainers: NexusContainers
own_stack.py    an instance that is brought up for a run (--nexus=up)
run.py          one pytest process: its instance, its leases, what is dropped at the end
pool.py         databases and slices that are made, cleaned and dropped in the background
migrations.py   templates: migrations run once per content, for all tests and processes
resources.py    what the fixtures give: a database, a Redis user, a bucket, a Vault folder
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nexusdev.testing.containers import NexusContainers

__all__ = ["NexusContainers"]


def __getattr__(name: str) -> Any:
    """Import NexusContainers when it is first used: the plugin loads this package in every pytest run."""
    if name != "NexusContainers":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from nexusdev.testing.containers import NexusContainers
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] == "testcontainers":
            raise ModuleNotFoundError(
                "NexusContainers needs testcontainers 4.15 or newer: pip install 'nexusdev[testcontainers]'",
                name=error.name,
            ) from error
        raise
    return NexusContainers
