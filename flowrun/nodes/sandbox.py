"""Runs Python that nobody vouches for: each run in a process of its own, within limits of time and memory."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from anyio.lowlevel import RunVar

from flowrun.domain.json import JsonValue
from flowrun.nodes.fair_slots import FairSlots
from flowrun.nodes.job import in_place, unheard
from flowrun.nodes.sandbox_errors import CodeError, code_error
from flowrun.nodes.sandbox_result import as_json

if TYPE_CHECKING:
    from pydantic_monty import AsyncMonty, AsyncMontySession

MAX_AT_ONCE = max(4, 2 * (os.cpu_count() or 1))
"""How many runs there are at a time; more wait, so that their memory together has a bound."""
MAX_PRINTS = 65_536
"""Characters of prints that are kept."""
FLOOD = 4_194_304
"""Characters of prints that end a run."""
GRACE = 1.0
"""Seconds that the sandbox has to end a run by itself before its process is killed."""
_MIB = 1_048_576
_SLOTS: RunVar[FairSlots] = RunVar("flowrun_sandbox_slots")


@dataclass(slots=True)
class CodeResult:
    """What a run gave."""

    value: JsonValue
    prints: str
    """What it printed, cut at `MAX_PRINTS` characters."""


class _Prints:
    """Keeps the beginning of what a run prints, hands on each line, and ends the run when that never stops."""

    def __init__(self, limit: asyncio.Timeout, log: Callable[[str], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit = limit
        self._log = log
        self._unlogged: deque[str] = deque()
        self._line: list[str] = []
        """The beginning of a line whose end is not there yet."""
        self._logging = False
        self._parts: list[str] = []
        self._length = 0
        self.flooded = False

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def __call__(self, _stream: Literal["stdout", "stderr"], text: str) -> None:
        # Prints come from another thread than the loop's.
        if self._length < MAX_PRINTS:
            self._parts.append(text[: MAX_PRINTS - self._length])
        self._unlogged.append(text)
        if not self._logging:
            self._logging = True
            self._loop.call_soon_threadsafe(self._hand_on)
        self._length += len(text)
        if self._length > FLOOD and not self.flooded:
            self.flooded = True
            self._loop.call_soon_threadsafe(self._limit.reschedule, 0)

    def _hand_on(self) -> None:
        """Log the lines that are whole: half of one could hide half of a secret."""
        self._logging = False  # Before the queue is emptied: what comes now is seen here, or asks again.
        parts = [self._unlogged.popleft() for _ in range(len(self._unlogged))]
        lines, end, rest = "".join(parts).rpartition("\n")
        if end:
            self._log("".join([*self._line, lines]))
            self._line.clear()
        self._line.append(rest)

    def close(self) -> None:
        """Log what is left; the run has ended."""
        self._hand_on()
        if any(self._line):
            self._log("".join(self._line))
            self._line.clear()


async def run_code(
    source: str,
    inputs: Mapping[str, JsonValue],
    *,
    timeout: float,
    memory_mb: int,
    tenant_id: str = "",
    log: Callable[[str], None] = unheard,
    held_up: Callable[[], AbstractContextManager[None]] = in_place,
) -> CodeResult:
    """Run Python with the inputs as variables; gives what it returns, or the value of its last expression.

    `log` is given what it prints while it runs, in whole lines; `held_up` is around the time in which runs of others
    have all the places, of which no tenant gets every one. Cancellation kills the process. Raises `CodeError`.
    """
    try:
        async with _slots().place(tenant_id, held_up):
            value, prints = await _run(source, dict(inputs), timeout, memory_mb, log)
        # A result may hold a part many times over, which takes long to find out.
        return CodeResult(await asyncio.to_thread(as_json, value), prints)
    except (ImportError, FileNotFoundError):
        message = "the sandbox for code is not installed here: pip install pydantic-monty"
        raise CodeError("code_unavailable", message) from None


async def _run(
    source: str, inputs: dict[str, Any], timeout: float, memory_mb: int, log: Callable[[str], None]
) -> tuple[object, str]:
    import pydantic_monty  # noqa: PLC0415 - loaded with the first code that runs

    try:
        async with asyncio.timeout(None) as limit:
            prints = _Prints(limit, log)
            async with _process(pydantic_monty.AsyncMonty) as pool, _session(pool, timeout, memory_mb) as session:
                limit.reschedule(asyncio.get_running_loop().time() + timeout + GRACE)
                try:
                    return await session.feed_run(source, inputs=inputs, print_callback=prints), prints.text
                finally:
                    prints.close()
    except TimeoutError:
        if prints.flooded:
            raise CodeError("code_error", f"the code prints more than {FLOOD:,} characters") from None
        raise CodeError("code_timeout", f"the code took longer than {timeout:g} s") from None
    except pydantic_monty.MontyError as error:
        raise code_error(error, timeout=timeout, memory_mb=memory_mb) from None
    except RuntimeError as error:
        message = f"the sandbox could not be started: {error}"
        raise CodeError("code_unavailable", message, retryable=True) from None


def _process(kind: type[AsyncMonty]) -> AsyncMonty:
    """One process for one session: nothing of a tenant is left for the next one."""
    return kind(min_processes=1, max_processes=1, max_checkouts_per_worker=1, feed_duration_limit_grace=GRACE)


def _session(pool: AsyncMonty, timeout: float, memory_mb: int) -> AsyncMontySession:
    return pool.checkout(
        script_name="code",
        limits={
            "max_feed_duration_secs": timeout,
            "max_total_sleep_secs": timeout,
            "max_memory": memory_mb * _MIB,
        },
        # Sleeping isn't counted as running, so it has the same limit apart. One sleep is cut short at another limit,
        # after which the code would go on: it has to lie beyond, so that a longer sleep ends the run.
        os_policy={"sleep_system_max": timeout + GRACE},
    )


def _slots() -> FairSlots:
    slots = _SLOTS.get(None)
    if slots is None:
        slots = FairSlots(MAX_AT_ONCE)
        _SLOTS.set(slots)
    return slots
