"""The one writer: a thread that commits everything that has come in since the last commit as one transaction."""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from flowrun.errors import UnavailableError
from flowrun.persistence.bulk import Rows

R = TypeVar("R")
Done = Callable[[Any, BaseException | None], None]
"""Called in the event loop after the commit, with the result or the error."""

_GROUP_ROWS = 20_000
"""A group that has grown to so many rows takes no further units, to keep the others' wait short."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Unit:
    """One unit of work: a function in the transaction, or rows, or both. It fails or succeeds as a whole."""

    done: Done
    change: Callable[[Connection], Any] | None = None
    rows: Rows | None = None
    result: Any = None
    error: BaseException | None = None


class GroupWriter:
    """Commits units in the order of their arrival, many to a transaction, on one connection of its own thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._inbox: queue.SimpleQueue[Unit | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="flowrun-writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._fails = False
        """The last transaction could not be committed, through no fault of its own."""
        self._asides: deque[tuple[Callable[[sqlite3.Connection], Any], asyncio.Future[Any]]] = deque()
        self.observe: Callable[[float, int], None] = _ignore
        """Told in the event loop of each transaction: how many seconds it took, and of how many units it was."""

    def start(self) -> None:
        """Begin; must be called in the event loop that is to hear of the commits."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def close(self) -> None:
        """Commit what is under way, then stop."""
        if not self._closed:
            self._closed = True
            self._inbox.put(None)
            await asyncio.to_thread(self._thread.join)

    def submit(self, unit: Unit) -> None:
        """Let a unit be committed; its `done` is called in the loop afterwards.

        Raises `UnavailableError` when the writer has been closed.
        """
        if self._closed:
            raise UnavailableError("The service is shutting down")
        self._inbox.put(unit)

    async def transact(self, change: Callable[[Connection], R]) -> R:
        """See `flowrun.ports.Writer`."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()

        def done(result: R, error: BaseException | None) -> None:
            if future.done():  # The caller was cancelled; the transaction was not.
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        self.submit(Unit(done, change=change))
        return await future

    async def between(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """Do something on the writer's connection between two transactions: what can't be in one, as a checkpoint.

        All transactions wait for it. Raises `UnavailableError` when SQLite can't do it now.
        """
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._asides.append((work, future))
        self.submit(Unit(lambda _result, _error: None))  # Wakes the thread, and writes nothing.
        return await future

    @property
    def waiting(self) -> int:
        """Units that no transaction has taken up yet."""
        return self._inbox.qsize()

    # --- in the writer's thread

    def _run(self) -> None:
        with self._engine.connect() as connection:
            while True:
                unit = self._inbox.get()
                if unit is None:
                    break
                group, last = self._drain(unit)
                began = time.perf_counter()
                self._commit(connection, group)
                self._report(group, time.perf_counter() - began)
                self._do_asides(connection)
                if last:
                    break
            connection.rollback()

    def _drain(self, first: Unit) -> tuple[list[Unit], bool]:
        group, rows = [first], first.rows.count if first.rows else 1
        while rows < _GROUP_ROWS:
            try:
                unit = self._inbox.get_nowait()
            except queue.Empty:
                break
            if unit is None:
                return group, True
            group.append(unit)
            rows += unit.rows.count if unit.rows else 1
        return group, False

    def _commit(self, connection: Connection, group: list[Unit]) -> None:
        try:
            self._write(connection, group)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told to the units' owners
            connection.rollback()
            if len(group) == 1:
                group[0].error = _translated(error)
                self._note(group[0].error)
                return
            # One unit has spoilt the group: each by itself then, so that it fails alone.
            for unit in group:
                unit.error = unit.result = None
                self._commit(connection, [unit])
        else:
            self._note(None)

    def _note(self, error: BaseException | None) -> None:
        """Say in the log when the database begins to fail, and when it no longer does."""
        if isinstance(error, UnavailableError):
            if not self._fails:
                _log.error("%s; what comes in is answered with 503 until it can", error)
            self._fails = True
        elif self._fails and error is None:
            _log.warning("The database commits again")
            self._fails = False

    @staticmethod
    def _write(connection: Connection, group: list[Unit]) -> None:
        connection.begin()
        merged = Rows()
        for unit in group:
            if unit.change is not None:
                try:
                    with connection.begin_nested():
                        unit.result = unit.change(connection)
                except DBAPIError:
                    raise
                except Exception as error:  # noqa: BLE001 - whatever it is, the unit's owner is told
                    unit.error = error
                    continue
            if unit.rows is not None:
                merged.merge(unit.rows)
        raw = cast("sqlite3.Connection", connection.connection.dbapi_connection)
        merged.write(raw.execute)
        connection.commit()

    def _do_asides(self, connection: Connection) -> None:
        assert self._loop is not None  # noqa: S101 - set in start()
        raw = cast("sqlite3.Connection", connection.connection.dbapi_connection)
        while self._asides:
            work, future = self._asides.popleft()
            try:
                result, error = work(raw), None
            except Exception as failed:  # noqa: BLE001 - whatever it is, who asked for it is told
                result, error = None, _translated(failed)
            with suppress(RuntimeError):  # The event loop has ended, and with it whoever asked.
                self._loop.call_soon_threadsafe(_settle, future, result, error)

    def _report(self, group: list[Unit], seconds: float) -> None:
        assert self._loop is not None  # noqa: S101 - set in start()
        try:
            self._loop.call_soon_threadsafe(self._tell, group, seconds)
        except RuntimeError:
            _log.warning("The event loop ended before %d commits could be reported", len(group))

    # --- in the event loop

    def _tell(self, group: list[Unit], seconds: float) -> None:
        _deliver(group)
        self.observe(seconds, len(group))


def _settle(future: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    if future.done():  # Whoever asked was cancelled; what was asked for is done.
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def _ignore(_seconds: float, _units: int) -> None:
    """Nobody observes."""


def _deliver(group: list[Unit]) -> None:
    for unit in group:
        try:
            unit.done(unit.result, unit.error)
        except Exception:  # noqa: BLE001 - the others' commits must be told all the same
            _log.exception("Acting on a commit failed")


def _translated(error: Exception) -> Exception:
    """A full disk, a locked file or a broken disk is not the caller's fault, and may pass."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.OperationalError):
        return UnavailableError(f"The database cannot commit: {cause}")
    return error
