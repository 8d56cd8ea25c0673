"""From committed jobs to the workers: a queue per tenant, served in turn, never more than a worker can take."""

from __future__ import annotations

import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flowrun.domain.turn import Job
from flowrun.ports import JobQueue

JobKey = tuple[str, str, str]


Group = tuple[str, ...]
"""Jobs that share a limit: `(tenant,)`, or `(tenant, workflow)`."""
Allowed = Callable[[Job], bool]


class _Turns:
    """What waits for one worker: keys in a ring, each with what waits for it. Each gives one job in its turn.

    The ring of tenants holds for each a ring of its workflows, which holds for each a row of jobs.
    """

    def __init__(self, *keys: Callable[[Job], str]) -> None:
        self._key, self._inner = keys[0], keys[1:]
        self._waiting: dict[str, _Turns | _Row] = {}
        self._ring: deque[str] = deque()
        self.depth = 0

    def add(self, job: Job) -> None:
        """Let a job wait behind those of its key."""
        key = self._key(job)
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = self._waiting[key] = _Turns(*self._inner) if self._inner else _Row()
            self._ring.append(key)
        waiting.add(job)
        self.depth += 1

    def next(self, allowed: Allowed) -> Job | None:
        """The next job that may run."""
        for _ in range(len(self._ring)):
            key = self._ring.popleft()
            waiting = self._waiting[key]
            job = waiting.next(allowed)
            if waiting.depth:
                self._ring.append(key)
            else:
                del self._waiting[key]
            if job is not None:
                self.depth -= 1
                return job
        return None


class _Row:
    """Jobs in the order of their coming."""

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()

    @property
    def depth(self) -> int:
        return len(self._jobs)

    def add(self, job: Job) -> None:
        self._jobs.append(job)

    def next(self, allowed: Allowed) -> Job | None:
        return self._jobs.popleft() if self._jobs and allowed(self._jobs[0]) else None


class Lane:
    """One worker: what waits for it, and how much it runs."""

    def __init__(self, name: str, capacity: int) -> None:
        self.name = name
        self.capacity = capacity
        """How many jobs the worker runs at once."""
        self.running = 0
        # Deficit round-robin with jobs of equal cost: over the tenants, and within each over its workflows.
        self._turns = _Turns(lambda job: job.tenant_id, lambda job: job.workflow_id)
        self.add = self._turns.add
        self.next = self._turns.next

    @property
    def depth(self) -> int:
        """How many jobs wait."""
        return self._turns.depth


class Dispatcher:
    """Hands jobs out as workers have room, and takes back those whose run has been stopped meanwhile."""

    def __init__(self, queue: JobQueue, capacities: dict[str, int]) -> None:
        self._queue = queue
        self.lanes = {name: Lane(name, capacity) for name, capacity in capacities.items()}
        self._waiting: dict[JobKey, Job] = {}
        self._held: dict[str, list[Job]] = {}
        """By paused execution: its jobs whose turn has come meanwhile."""
        self._stopped = False
        self._running: Counter[Group] = Counter()
        """Jobs that run, over all workers, of each tenant and each workflow."""
        self._limits: dict[Group, int] = {}
        self._lent: Counter[JobKey] = Counter()
        """How many waits each job has lent its place for."""

    def limit(self, group: Group, most: int | None) -> None:
        """Let a tenant, or a workflow, have at most so many jobs running at once; None is no limit."""
        if self._limits.get(group) == most:
            return
        if most is None:
            del self._limits[group]
        else:
            self._limits[group] = most
        self._pump_all()

    def add(self, jobs: list[Job]) -> None:
        """Let committed jobs run. A job replaces an earlier one of the same node run that still waits."""
        for job in jobs:
            self._waiting[job.key] = job
            self.lanes[job.worker].add(job)
        for lane in self.lanes.values() if len(jobs) > 1 else [self.lanes[job.worker] for job in jobs]:
            self._pump(lane)

    def stop(self, key: JobKey) -> Job | None:
        """Take a node run's job back: gives it when no worker had begun it, else tells the worker to stop."""
        job = self._waiting.pop(key, None)
        if job is None:
            job = self._queue.cancel(key)
            if job is not None:
                self.done(job)
        return job

    def hold(self, execution_id: str) -> None:
        """Begin no job of this execution: it is paused."""
        self._held.setdefault(execution_id, [])

    def release(self, execution_id: str) -> None:
        """Let an execution that was held go on, behind the others."""
        for job in self._held.pop(execution_id, ()):
            if self._waiting.get(job.key) is job:
                self.add([job])

    @contextmanager
    def lent(self, job: Job) -> Iterator[None]:
        """Let others have the place of a running job that waits for them; afterwards it has one, even if none is free.

        Otherwise jobs that wait for executions could take every place that those need to go on.
        """
        self._lent[job.key] += 1
        if self._lent[job.key] == 1:
            self._queue.lend(job)
            self.done(job)
        try:
            yield
        finally:
            self._lent[job.key] -= 1
            if not self._lent[job.key]:
                del self._lent[job.key]
                self._queue.take(job)
                self._count(job, 1)

    def _count(self, job: Job, by: int) -> None:
        self.lanes[job.worker].running += by
        for group in _groups(job):
            self._running[group] += by
            if not self._running[group]:
                del self._running[group]

    def done(self, job: Job) -> None:
        """A job that was handed out has ended, or was taken back: there is room for another."""
        lane = self.lanes[job.worker]
        self._count(job, -1)
        if any(group in self._limits for group in _groups(job)):
            self._pump_all()  # Its next job may be another worker's.
        else:
            self._pump(lane)

    def close(self) -> None:
        """Hand nothing out any more; what waits is in the database for the next start."""
        self._stopped = True

    def _pump_all(self) -> None:
        for lane in self.lanes.values():
            self._pump(lane)

    def _allowed(self, job: Job) -> bool:
        if not self._limits:
            return True
        return all(self._running[group] < self._limits.get(group, sys.maxsize) for group in _groups(job))

    def _pump(self, lane: Lane) -> None:
        while lane.running < lane.capacity and not self._stopped:
            job = lane.next(self._allowed)
            if job is None:
                return
            if self._waiting.get(job.key) is not job:
                continue  # It was taken back, or replaced by a later attempt.
            if job.execution_id in self._held:
                self._held[job.execution_id].append(job)
                continue
            del self._waiting[job.key]
            self._count(job, 1)
            self._queue.put(job)


def _groups(job: Job) -> tuple[Group, Group]:
    return (job.tenant_id,), (job.tenant_id, job.workflow_id)
