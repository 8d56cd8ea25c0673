"""From committed jobs to the workers: a queue per tenant, served in turn, never more than a worker can take."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from flowrun.domain.turn import Job
from flowrun.ports import JobQueue

JobKey = tuple[str, str, str]


class Lane:
    """What waits for one worker: tenants in a ring, each with its jobs in order."""

    def __init__(self, name: str, capacity: int) -> None:
        self.name = name
        self.capacity = capacity
        """How many jobs the worker runs at once."""
        self.running = 0
        self._tenants: dict[str, deque[Job]] = {}
        self._ring: deque[str] = deque()

    def add(self, job: Job) -> None:
        """Let a job wait behind those of its tenant."""
        jobs = self._tenants.get(job.tenant_id)
        if jobs is None:
            jobs = self._tenants[job.tenant_id] = deque()
            self._ring.append(job.tenant_id)
        jobs.append(job)

    def next(self, allowed: Callable[[str], bool]) -> Job | None:
        """The next job: one of each allowed tenant in turn (deficit round-robin with jobs of equal cost)."""
        for _ in range(len(self._ring)):
            tenant = self._ring.popleft()
            if not allowed(tenant):
                self._ring.append(tenant)
                continue
            jobs = self._tenants[tenant]
            job = jobs.popleft()
            if jobs:
                self._ring.append(tenant)
            else:
                del self._tenants[tenant]
            return job
        return None

    @property
    def depth(self) -> int:
        """How many jobs wait."""
        return sum(len(jobs) for jobs in self._tenants.values())


class Dispatcher:
    """Hands jobs out as workers have room, and takes back those whose run has been stopped meanwhile."""

    def __init__(self, queue: JobQueue, capacities: dict[str, int]) -> None:
        self._queue = queue
        self.lanes = {name: Lane(name, capacity) for name, capacity in capacities.items()}
        self._waiting: dict[JobKey, Job] = {}
        self._stopped = False
        self._running: dict[str, int] = {}
        """Jobs that run, by tenant, over all workers."""
        self._limits: dict[str, int] = {}

    def limit(self, tenant_id: str, most: int | None) -> None:
        """Let a tenant have at most so many jobs running at once; None is no limit."""
        if most is None:
            self._limits.pop(tenant_id, None)
        else:
            self._limits[tenant_id] = most
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

    def done(self, job: Job) -> None:
        """A job that was handed out has ended, or was taken back: there is room for another."""
        lane = self.lanes[job.worker]
        lane.running -= 1
        left = self._running[job.tenant_id] - 1
        if left:
            self._running[job.tenant_id] = left
        else:
            del self._running[job.tenant_id]
        if job.tenant_id in self._limits:
            self._pump_all()  # Its next job may be another worker's.
        else:
            self._pump(lane)

    def close(self) -> None:
        """Hand nothing out any more; what waits is in the database for the next start."""
        self._stopped = True

    def _pump_all(self) -> None:
        for lane in self.lanes.values():
            self._pump(lane)

    def _allowed(self, tenant_id: str) -> bool:
        most = self._limits.get(tenant_id)
        return most is None or self._running.get(tenant_id, 0) < most

    def _pump(self, lane: Lane) -> None:
        while lane.running < lane.capacity and not self._stopped:
            job = lane.next(self._allowed)
            if job is None:
                return
            if self._waiting.get(job.key) is not job:
                continue  # It was taken back, or replaced by a later attempt.
            del self._waiting[job.key]
            lane.running += 1
            self._running[job.tenant_id] = self._running.get(job.tenant_id, 0) + 1
            self._queue.put(job)
