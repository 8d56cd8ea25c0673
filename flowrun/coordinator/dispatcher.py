"""From committed jobs to the workers: a queue per tenant, served in turn, never more than a worker can take."""

from __future__ import annotations

from collections import deque

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

    def next(self) -> Job | None:
        """The next job: one of each tenant in turn (deficit round-robin with jobs of equal cost)."""
        if not self._ring:
            return None
        tenant = self._ring[0]
        jobs = self._tenants[tenant]
        job = jobs.popleft()
        self._ring.popleft()
        if jobs:
            self._ring.append(tenant)
        else:
            del self._tenants[tenant]
        return job

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

    def add(self, jobs: list[Job]) -> None:
        """Let committed jobs run. A job replaces an earlier one of the same node run that still waits."""
        for job in jobs:
            self._waiting[job.key] = job
            self.lanes[job.worker].add(job)
        for lane in self.lanes.values() if len(jobs) > 1 else [self.lanes[job.worker] for job in jobs]:
            self._pump(lane)

    def stop(self, key: JobKey) -> Job | None:
        """Take a node run's job back: gives it when no worker had begun it, else tells the worker to stop."""
        return self._waiting.pop(key, None) or self._queue.cancel(key)

    def done(self, worker: str) -> None:
        """A worker has room again."""
        lane = self.lanes[worker]
        lane.running -= 1
        self._pump(lane)

    def close(self) -> None:
        """Hand nothing out any more; what waits is in the database for the next start."""
        self._stopped = True

    def _pump(self, lane: Lane) -> None:
        while lane.running < lane.capacity and not self._stopped:
            job = lane.next()
            if job is None:
                return
            if self._waiting.get(job.key) is not job:
                continue  # It was taken back, or replaced by a later attempt.
            del self._waiting[job.key]
            lane.running += 1
            self._queue.put(job)
