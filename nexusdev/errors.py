"""All errors of nexusdev, each with its message and its exit status.

    NexusError                    1   a bug, unless it has a code of its own (INTERRUPTED, which ends with 128 + signal)
    ├── UsageError                2   wrong flag, name or combination
    ├── NotFound                  3   no such instance, service or file; or not running
    ├── Degraded                  4   a condition that was asked for is not met
    ├── PreflightFailed           5   engine absent, too old, not allowed; disk full
    │   ├── RuntimeSlow           5   the engine answers, but not this request in time
    │   ├── RuntimeRefused         5   the engine rejects a request
    │   ├── OutputFailed           5   the result cannot be written to stdout
    │   └── StorageFailed          5   a file cannot be written: full disk, read-only file system, missing permission
    ├── PortInUse                 6   a port of the instance's block belongs to another
    ├── ImageUnavailable          7   no source could deliver an image
    ├── TeardownIncomplete        8   something is left after down or destroy
    ├── IdentityMismatch          9   it answers, but it is not this instance
    ├── CrashedDuringStart       10   a container ended while it was waited for
    ├── NotReadyInTime           11   the deadline passed
    ├── InvalidConfig            12   stack, settings or state file that cannot be used
    │   └── InvalidState         12   the state folder of the instance
    │       └── VolumeLost       12   a data volume is gone
    ├── ConfirmationNeeded       13   no terminal to ask, and no --yes
    ├── Declined                 13   the user answered no
    ├── Locked                   14   another process works on this instance
    └── SeedingFailed            15   a seed step was refused by its server

An error is raised where it is known, with words for the person at the terminal, and printed once, in ``cli``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class NexusError(Exception):
    """A failure that the user can understand and act on.

    Attributes:
        message: What happened, in one line, without a full stop.
        why: The cause, '' if it is unknown.
        hint: The next command to type, optionally followed by two or more spaces and what it does; one per line.
        evidence: Lines that prove it: log lines, replies, file positions.
    """

    exit_status: ClassVar[int] = 1
    default_code: ClassVar[str] = "BUG"

    def __init__(
        self,
        message: str,
        *,
        why: str = "",
        hint: str = "",
        evidence: Sequence[str] = (),
        code: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.why = why
        self.hint = hint
        self.evidence = tuple(evidence)
        self.code = code or self.default_code

    @property
    def is_bug(self) -> bool:
        """Whether the error has no code of its own: it reports a broken assumption of nexusdev, with a traceback."""
        return self.code == NexusError.default_code

    @property
    def sentence(self) -> str:
        """The message with its reason, for a report of several."""
        return f"{self.message}: {self.why}" if self.why else self.message

    def as_dict(self) -> dict[str, object]:
        """The ``error`` member of the JSON envelope."""
        return {
            "code": self.code,
            "message": self.message,
            "why": self.why,
            "hint": self.hint,
            "evidence": list(self.evidence),
        }


class UsageError(NexusError):
    exit_status = 2
    default_code = "USAGE"


class NotFound(NexusError):
    exit_status = 3
    default_code = "NOT_FOUND"


class Degraded(NexusError):
    exit_status = 4
    default_code = "DEGRADED"


class PreflightFailed(NexusError):
    exit_status = 5
    default_code = "PREFLIGHT_FAILED"


class RuntimeSlow(PreflightFailed):
    """A request to the runtime got no answer in time, but the runtime answers others: the same may be tried again."""

    default_code = "ENGINE_SLOW"


class RuntimeRefused(PreflightFailed):
    """The runtime rejects a request. The error contains its reply."""

    default_code = "ENGINE_REFUSED"


class OutputFailed(PreflightFailed):
    default_code = "OUTPUT_FAILED"


class StorageFailed(PreflightFailed, OSError):
    """A file or folder of nexusdev cannot be written. Also an OSError, for callers that can do without it."""

    default_code = "STORAGE_FAILED"

    def __str__(self) -> str:
        return self.message


class PortInUse(NexusError):
    exit_status = 6
    default_code = "PORT_IN_USE"


class ImageUnavailable(NexusError):
    exit_status = 7
    default_code = "IMAGE_UNAVAILABLE"


class TeardownIncomplete(NexusError):
    exit_status = 8
    default_code = "TEARDOWN_INCOMPLETE"


class IdentityMismatch(NexusError):
    exit_status = 9
    default_code = "IDENTITY_MISMATCH"


class CrashedDuringStart(NexusError):
    exit_status = 10
    default_code = "CRASHED_DURING_START"


class NotReadyInTime(NexusError):
    exit_status = 11
    default_code = "NOT_READY_IN_TIME"


class InvalidConfig(NexusError):
    exit_status = 12
    default_code = "INVALID_CONFIG"


class InvalidState(InvalidConfig):
    default_code = "INVALID_STATE"


class VolumeLost(InvalidState):
    """Data volumes that nexusdev made are gone.

    Attributes:
        volumes: One mapping per volume, for programs; ``deploy.lost_volumes`` fills it.
    """

    default_code = "VOLUME_LOST"
    volumes: tuple[Mapping[str, Any], ...] = ()

    def as_dict(self) -> dict[str, object]:
        """The ``error`` member of the JSON envelope, with the volumes."""
        return {**super().as_dict(), "volumes": [dict(each) for each in self.volumes]}


class ConfirmationNeeded(NexusError):
    exit_status = 13
    default_code = "CONFIRMATION_NEEDED"


class Declined(NexusError):
    """The user answered no."""

    exit_status = 13
    default_code = "DECLINED"


class Locked(NexusError):
    exit_status = 14
    default_code = "LOCKED"


class SeedingFailed(NexusError):
    exit_status = 15
    default_code = "SEEDING_FAILED"
