"""Many users at once: each has a connection of its own to every system, works, and thinks between two requests."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack

from msgspec import Struct, field

from nexusdev.components.scores import HasUsers, Measured, ScoreBench, percentile

USERS = 1000
#: Users who connect at the same time, and threads for clients that have no asynchronous form.
_ARRIVING, _THREADS = 40, 64
#: Requests of each user, and the seconds between two of them.
_REQUESTS, _THINKS = 4, (0.5, 1.5)


class _Crowd(Struct, kw_only=True):
    """What the users of one system noticed: seconds per request, and error → how often."""

    times: list[float] = field(default_factory=list)
    connected: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    def count(self, error: Exception) -> None:
        words = f"{type(error).__name__}: {' '.join(str(error).split())[:100]}"
        self.errors[words] = self.errors.get(words, 0) + 1


def many_users(bench: ScoreBench, systems: Sequence[HasUsers]) -> Measured:
    """Let a thousand users work with each of these systems, one system after the other.

    Args:
        bench: The instance and its variables.
        systems: The components.

    Returns:
        The number of errors, with the response times of each system.
    """
    users = bench.count(USERS)
    crowds = {each.name: asyncio.run(_System(system=each, values=bench.values).run(users)) for each in systems}
    details = {}
    for name, crowd in crowds.items():
        details[f"{name} users at once"] = str(crowd.connected)
        if crowd.times:
            details[f"{name} p95"] = f"{percentile(crowd.times, 0.95) * 1000:.0f} ms"
        details |= {f"{name} error": f"{count} × {words}" for words, count in crowd.errors.items()}
    return Measured(
        value=sum(count for crowd in crowds.values() for count in crowd.errors.values()),
        samples=sum(len(crowd.times) for crowd in crowds.values()),
        details=details,
        limit="the users run on this machine too, and share its cores with the servers",
    )


class _System(Struct, kw_only=True):
    """The users of one system, who connect first and begin together: all of them are there at once."""

    system: HasUsers
    values: Mapping[str, str]
    crowd: _Crowd = field(default_factory=_Crowd)
    missing: int = 0

    async def run(self, users: int) -> _Crowd:
        self.missing = users
        arriving, everybody = asyncio.Semaphore(_ARRIVING), asyncio.Event()
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
        await asyncio.gather(*(self._user(arriving, everybody) for _ in range(users)))
        return self.crowd

    async def _user(self, arriving: asyncio.Semaphore, everybody: asyncio.Event) -> None:
        async with AsyncExitStack() as stack:
            try:
                async with arriving:
                    act = await stack.enter_async_context(self.system.user_session(self.values))
                    await act()  # the connection is open
                self.crowd.connected += 1
            except Exception as error:
                self.crowd.count(error)
                return
            finally:
                self.missing -= 1
                if not self.missing:
                    everybody.set()
            await everybody.wait()
            try:
                await self._work(act)
            except Exception as error:
                self.crowd.count(error)

    async def _work(self, act: Callable[[], Awaitable[object]]) -> None:
        for _ in range(_REQUESTS):
            await asyncio.sleep(random.uniform(*_THINKS))  # noqa: S311 - a load, not a secret
            began = time.perf_counter()
            await act()
            self.crowd.times.append(time.perf_counter() - began)
