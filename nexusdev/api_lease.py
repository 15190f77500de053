"""A lease as a Python object: what ``StackHandle.lease`` returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from nexusdev.api_queries import succeeded

if TYPE_CHECKING:
    from types import TracebackType

    from nexusdev.context import Context
    from nexusdev.operations.lease_results import LeaseInfo


class LeaseHandle:
    """An isolated slice of a running stack. Leaving its ``with`` block drops it.

    Attributes:
        info: Its name, when it expires, and what it consists of.
    """

    def __init__(self, info: LeaseInfo, context: Callable[[], Context]) -> None:
        """Wrap a lease; programs call ``StackHandle.lease``."""
        self.info = info
        self._context = context
        self._variables: Mapping[str, str] | None = None

    def __enter__(self) -> LeaseHandle:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.drop()

    @property
    def name(self) -> str:
        """Name of the lease."""
        return self.info.name

    @property
    def variables(self) -> Mapping[str, str]:
        """The variables of ``env``, pointed at the lease: name → value. Read once.

        Raises:
            NotFound: The lease has expired or was dropped.
            SeedingFailed: Redis does not answer.
        """
        if self._variables is None:
            from nexusdev.operations.lease import env

            self._variables = succeeded(env(self._context(), self.name)).variables
        return self._variables

    def drop(self) -> None:
        """Remove the lease and everything in it. Twice is the same as once.

        Raises:
            SeedingFailed: A server does not answer or rejects a change.
        """
        from nexusdev.errors import NotFound
        from nexusdev.operations.lease import drop

        try:
            succeeded(drop(self._context(), self.name))
        except NotFound:
            return
