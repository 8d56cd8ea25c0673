"""What nodes log while they run: lines without secrets, bounded, and written in batches beside the history.

A log is telemetry: what was logged in the last quarter of a second before a kill is lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from flowrun.domain.turn import Job
from flowrun.errors import UnavailableError
from flowrun.nodes.scrubbing import Scrubber
from flowrun.persistence.node_logs import Batch, Line, write_logs
from flowrun.persistence.writer import GroupWriter, Unit
from flowrun.ports import Clock

_log = logging.getLogger(__name__)

MAX_ATTEMPT = 65_536
"""Bytes that one attempt may log, a byte for the end of each line among them."""
MAX_LINE = 4_096
"""Bytes of one line."""
EVERY = 0.25
"""Seconds between two writes."""
_CUT = " […]"
_SHORTEST_PART = 8
"""Characters of a line of a secret that is looked for by itself, as keys are printed line by line."""


class NodeLogs:
    """The logs of the attempts that run in this process."""

    def __init__(self, writer: GroupWriter, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock
        self._pending: dict[AttemptLog, None] = {}
        """Those with lines that are not written yet, in the order of their first."""
        self._writing: asyncio.Task[None] | None = None

    def open(self, job: Job, hidden: Collection[str]) -> AttemptLog:
        """The log of one attempt, in which the values of `hidden` become `***`."""
        return AttemptLog(self, job, hidden)

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return self._clock.now()

    def changed(self, log: AttemptLog) -> None:
        """See to it that a log's new lines are written, soon and with those of others."""
        self._pending[log] = None
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_soon())

    def ended(self, log: AttemptLog) -> None:
        """Write what is left of a log before its attempt's result is."""
        self._pending.pop(log, None)
        self._write([log.batch()])

    def close(self) -> None:
        """Write everything: the process is about to stop."""
        if self._writing is not None:
            self._writing.cancel()
        self._flush()

    async def _write_soon(self) -> None:
        await self._clock.wait(asyncio.Event(), EVERY)
        self._writing = None
        self._flush()

    def _flush(self) -> None:
        pending, self._pending = self._pending, {}
        self._write([log.batch() for log in pending])

    def _write(self, batches: list[Batch]) -> None:
        batches = [batch for batch in batches if batch.lines]
        if not batches:
            return
        try:
            self._writer.submit(Unit(_written, change=lambda connection: write_logs(connection, batches)))
        except UnavailableError as error:
            _written(None, error)


def _written(_result: object, error: BaseException | None) -> None:
    if error is not None:
        _log.warning("What nodes have logged cannot be stored: %s", error)


class AttemptLog:
    """What one attempt logs. An attempt that logs nothing costs this object and no more."""

    __slots__ = ("_closed", "_dropped", "_hidden", "_job", "_lines", "_logs", "_room", "_scrubber")

    def __init__(self, logs: NodeLogs, job: Job, hidden: Collection[str]) -> None:
        self._logs = logs
        self._job = job
        self._hidden = hidden
        self._lines: list[Line] = []
        self._room, self._dropped = MAX_ATTEMPT, 0
        self._scrubber: Scrubber | None = None
        self._closed = False

    def write(self, text: str) -> None:
        """Log a text, each of its lines by itself. Must be called in the event loop; never waits or raises."""
        if self._closed:
            return
        if self._room <= 0:
            self._dropped += text.count("\n") + 1
            return
        now = self._logs.now()
        # Bounded before the search for secrets, which takes as long as the text is; one that is cut in two is found.
        lines = self._clean(text[:MAX_ATTEMPT]).splitlines() or [""]
        self._dropped += text.count("\n", MAX_ATTEMPT)
        for number, line in enumerate(lines):
            shown = _bounded(line)
            self._room -= len(shown.encode()) + 1
            if self._room < 0:
                self._dropped += len(lines) - number
                break
            self._lines.append((now, shown))
        self._logs.changed(self)

    def close(self) -> None:
        """The attempt has ended: what is left is written, and how much was dropped."""
        if self._dropped and not self._closed:
            dropped = f"{self._dropped:,} more lines were" if self._dropped > 1 else "One more line was"
            message = f"{dropped} dropped: an attempt may log {MAX_ATTEMPT:,} bytes"
            self._lines.append((self._logs.now(), message))
        self._closed = True
        if self._lines:
            self._logs.ended(self)

    def batch(self) -> Batch:
        """Take what is not written yet."""
        lines, self._lines = self._lines, []
        job = self._job
        return Batch((job.execution_id, job.node_id, job.iteration), job.attempt, lines)

    def _clean(self, text: str) -> str:
        text = text.replace("\0", "")  # PostgreSQL stores none.
        # What code prints may hold halves of characters, which have no form in UTF-8.
        text = text.encode("utf-8", "replace").decode()
        if not self._hidden:
            return text
        if self._scrubber is None:
            parts = {line for value in self._hidden for line in value.splitlines() if len(line) >= _SHORTEST_PART}
            self._scrubber = Scrubber({*self._hidden, *parts})
        return self._scrubber.text(text)


def _bounded(line: str) -> str:
    data = line.encode()
    if len(data) <= MAX_LINE:
        return line
    return data[: MAX_LINE - len(_CUT.encode())].decode("utf-8", "ignore") + _CUT
