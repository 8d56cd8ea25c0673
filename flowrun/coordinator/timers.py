"""Everything that is due later: retries, delays, timeouts. Far timers are rows alone, near ones are in memory too."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy import select

from flowrun.domain.facts import TimerKind
from flowrun.domain.turn import Timer
from flowrun.errors import FlowrunError, InvalidInputError, NotFoundError
from flowrun.persistence import tables as t
from flowrun.ports import Clock, Reader

_log = logging.getLogger(__name__)

HORIZON_MS = 60_000
"""Timers due within it are held in memory; the next window is read when half of it has passed."""
_LONGEST_WAIT = 1.0
"""Seconds; a clock that is set forth is noticed within it."""
_RETRY_AFTER_MS = 1_000
"""How long after a failed commit a timer is fired again."""
_MOST_AT_ONCE = 200
"""Timers that take effect at a time. After a long stop a hundred thousand may be overdue: each reads its execution,
and whoever else reads stands behind them."""
_UNUSABLE_AFTER_MS = 60_000
"""How long after, when the workflow's version can't be used: a plugin is gone, say, and ten thousand delays are due."""


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A timer of some execution."""

    execution_id: str
    kind: TimerKind
    node_id: str
    iteration: str


Fire = Callable[[DueTimer], Awaitable[None]]


class Timers:
    """Fires each committed timer when it is due: not before, and once for each time that it was set."""

    def __init__(self, clock: Clock, reader: Reader, fire: Fire) -> None:
        self._clock = clock
        self._reader = reader
        self._fire = fire
        self._due: dict[DueTimer, int] = {}
        """The timers in memory that still stand; the heap may hold stale entries besides."""
        self._heap: list[tuple[int, int, DueTimer]] = []
        self._count = 0
        self._loaded_until = 0
        self._changed = asyncio.Event()
        self._firing: set[asyncio.Task[None]] = set()
        self._in_flight: set[DueTimer] = set()
        self._again: set[DueTimer] = set()

    def set(self, execution_id: str, timers: list[Timer]) -> None:
        """Timers that have been committed."""
        for timer in timers:
            self._push(DueTimer(execution_id, timer.kind, timer.node_id, timer.iteration), timer.due_at)

    def clear(self, execution_id: str, ended: list[tuple[TimerKind, str, str]]) -> None:
        """Timers whose removal has been committed."""
        for kind, node_id, iteration in ended:
            timer = DueTimer(execution_id, kind, node_id, iteration)
            self._due.pop(timer, None)
            self._again.discard(timer)

    @property
    def near(self) -> int:
        """How many timers are held in memory: those due within `HORIZON_MS`."""
        return len(self._due)

    async def run(self) -> None:
        """Fire what comes due, until cancelled."""
        try:
            while True:
                await self._load_window()
                self._fire_due()
                self._changed.clear()
                await self._clock.wait(self._changed, self._seconds_to_next())
        finally:
            for task in self._firing:
                task.cancel()

    def _push(self, timer: DueTimer, due_at: int) -> None:
        if due_at > self._loaded_until:
            return  # The window that holds it will be read from the table.
        self._add(timer, due_at)

    def _add(self, timer: DueTimer, due_at: int) -> None:
        self._due[timer] = due_at
        self._count += 1
        heapq.heappush(self._heap, (due_at, self._count, timer))
        if self._heap[0][2] is timer:
            self._changed.set()

    async def _load_window(self) -> None:
        now = self._clock.now()
        if self._loaded_until - now > HORIZON_MS // 2:
            return
        start, self._loaded_until = self._loaded_until, now + HORIZON_MS
        table = t.timers
        query = select(table).where(table.c.due_at > start, table.c.due_at <= self._loaded_until)
        try:
            rows = await self._reader.all(query)
        except BaseException:
            self._loaded_until = start  # The window will be read again; nothing in it may be missed.
            raise
        for row in rows:
            timer = DueTimer(row["execution_id"], TimerKind(row["kind"]), row["node_id"], row["iteration"])
            if timer not in self._due and timer not in self._in_flight:
                self._push(timer, row["due_at"])

    def _fire_due(self) -> None:
        now = self._clock.now()
        while self._heap and self._heap[0][0] <= now and len(self._firing) < _MOST_AT_ONCE:
            due_at, _, timer = heapq.heappop(self._heap)
            if self._due.get(timer) != due_at:
                continue  # Cleared, or set anew for another time.
            del self._due[timer]
            if timer in self._in_flight:
                self._again.add(timer)  # Set anew while it takes effect: one effect at a time.
                continue
            self._in_flight.add(timer)
            task = asyncio.get_running_loop().create_task(self._fire_one(timer))
            self._firing.add(task)
            task.add_done_callback(self._fired)

    def _fired(self, task: asyncio.Task[None]) -> None:
        self._firing.discard(task)
        if self._overdue:
            self._changed.set()  # There is room for another.

    async def _fire_one(self, timer: DueTimer) -> None:
        try:
            await self._fire(timer)
        except NotFoundError as error:
            _log.warning("The %s timer of %s is dropped: %s", timer.kind.value, timer.execution_id, error)
        except FlowrunError as error:
            _log.warning("The %s timer of %s will fire again: %s", timer.kind.value, timer.execution_id, error)
            seldom = isinstance(error, InvalidInputError)
            self._add(timer, self._clock.now() + (_UNUSABLE_AFTER_MS if seldom else _RETRY_AFTER_MS))
        except Exception:  # noqa: BLE001 - whatever it was, the timer must not be lost
            # Its row stands, but no window of this process will hold it again.
            _log.exception("The %s timer of %s will fire again", timer.kind.value, timer.execution_id)
            self._add(timer, self._clock.now() + _RETRY_AFTER_MS)
        finally:
            self._in_flight.discard(timer)
            if timer in self._again:
                self._again.discard(timer)
                self._add(timer, self._clock.now())

    @property
    def _overdue(self) -> bool:
        return bool(self._heap) and self._heap[0][0] <= self._clock.now()

    def _seconds_to_next(self) -> float:
        if not self._heap or len(self._firing) >= _MOST_AT_ONCE:
            return _LONGEST_WAIT
        return min(max(self._heap[0][0] - self._clock.now(), 0) / 1000, _LONGEST_WAIT)
