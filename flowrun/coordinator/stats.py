"""What the service tells of itself: counts, rates, queues, latencies."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from flowrun import __version__
from flowrun.coordinator.counts import Counts, Tally
from flowrun.coordinator.dispatcher import Lane
from flowrun.coordinator.measures import Durations, Rate
from flowrun.domain.execution import Execution
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.turn import Decision, Job
from flowrun.persistence.writer import GroupWriter
from flowrun.ports import Clock, Reader
from flowrun.queries.documents import time

_STATM = Path("/proc/self/statm")


class _Worker:
    """What one worker has done lately."""

    def __init__(self) -> None:
        self.ended = Rate()
        self.wait = Durations()
        self.run = Durations()


class Stats:
    """See `flowrun.ports.Stats`. Fed as things happen; a question costs what there is to tell."""

    def __init__(
        self,
        *,
        clock: Clock,
        epoch: int,
        lanes: Mapping[str, Lane],
        writer: GroupWriter,
        gauges: Mapping[str, Callable[[], JsonValue]],
    ) -> None:
        """Wire it up; `gauges` are further numbers of the service as a whole, by their names in the document."""
        self._clock = clock
        self._epoch = epoch
        self._lanes = lanes
        self._writer = writer
        self._gauges = gauges
        self._counts = Counts()
        self._workers = {name: _Worker() for name in lanes}
        self._commits, self._units, self._commit = Rate(), Rate(), Durations()
        self._started_at = clock.now()

    async def load(self, reader: Reader) -> None:
        """Count what earlier processes have left; before anything is committed."""
        await self._counts.load(reader)

    async def load_last_hour(self, reader: Reader) -> None:
        """Add the hour before the start; may run beside the service."""
        await self._counts.load_last_hour(reader, self._started_at)

    def committed(self, execution: Execution, decision: Decision) -> None:
        """Called after each commit, in the event loop."""
        self._counts.committed(execution, decision)

    def ran(self, job: Job, started_at: int | None) -> None:
        """A worker has ended a job that it began at that time (ms); None: it never did."""
        worker = self._workers.get(job.worker)
        if worker is None or started_at is None:
            return
        now = self._clock.now()
        worker.ended.add(1, now)
        worker.wait.add(max(started_at - job.queued_at, 0) / 1000)
        worker.run.add(max(now - started_at, 0) / 1000)

    def wrote(self, seconds: float, units: int) -> None:
        """The writer has committed so many units in one transaction, which took so long."""
        now = self._clock.now()
        self._commits.add(1, now)
        self._units.add(units, now)
        self._commit.add(seconds)

    def everything(self) -> JsonObject:
        """See the port."""
        now = self._clock.now()
        tenants = self._counts.by(lambda key: key[0], now)
        tenants = {name: Tally(now // 60_000) for name in self._counts.active} | tenants
        whole = Tally.of(now // 60_000, tenants.values())
        document = self._head(now, whole, None)
        document["tenants"] = [
            {
                "tenant_id": name,
                **tally.document(),
                "steps_per_second": self._counts.steps(name, now),
                "since_start": self._counts.totals(name),
            }
            for name, tally in sorted(tenants.items())
            if tally.known or name in self._counts.active
        ]
        document["workers"] = {name: self._worker(name, now) for name in self._lanes}
        document["writer"] = {
            "waiting": self._writer.waiting,
            "commits_per_second": self._commits.per_second(now),
            "units_per_second": self._units.per_second(now),
            "commit": self._commit.document(),
        }
        document["memory"] = _memory()
        for name, gauge in self._gauges.items():
            document[name] = gauge()
        return document

    def of(self, tenant_id: str) -> JsonObject:
        """See the port."""
        now = self._clock.now()
        workflows = self._counts.by(lambda key: key[1] if key[0] == tenant_id else None, now)
        whole = Tally.of(now // 60_000, workflows.values())
        document = self._head(now, whole, tenant_id)
        document["tenant_id"] = tenant_id
        document["workflows"] = [
            {"workflow_id": name, **tally.document(), "timeline": tally.timeline()}
            for name, tally in sorted(workflows.items())
            if tally.known
        ]
        return document

    def _head(self, now: int, whole: Tally, tenant_id: str | None) -> JsonObject:
        return {
            "at": time(now),
            "version": __version__,
            "epoch": self._epoch,
            "started_at": time(self._started_at),
            "uptime": (now - self._started_at) / 1000,
            **whole.document(),
            "steps_per_second": self._counts.steps(tenant_id, now),
            "timeline": whole.timeline(),
        }

    def _worker(self, name: str, now: int) -> JsonObject:
        lane, worker = self._lanes[name], self._workers[name]
        return {
            "queued": lane.depth,
            "running": lane.running,
            "capacity": lane.capacity,
            "rate": worker.ended.per_second(now),
            "wait": worker.wait.document(),
            "run": worker.run.document(),
        }


def _memory() -> int:
    """Resident bytes."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):  # No /proc: the most that it ever was.
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
