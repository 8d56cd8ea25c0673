"""The attempts of a worker on a clock that the test moves, and what they report."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from support.manual_clock import ManualClock

from flowrun.domain.node_type import Cancelled, NodeTypes, Outcome
from flowrun.domain.turn import Job
from flowrun.workers.attempts import Attempts
from flowrun.workers.logs import NodeLogs


class WatchedAttempts:
    """`attempts`, and every start and result that they have reported."""

    def __init__(self, types: NodeTypes, clock: ManualClock) -> None:
        self.clock = clock
        self.starts: list[int] = []
        self.results: list[Outcome | Cancelled] = []
        nothing: Any = None  # No node of these tests asks for a service or a secret.
        self.attempts = Attempts(
            types=types,
            services=nothing,
            secrets=nothing,
            clock=clock,
            logs=NodeLogs(nothing, clock),
            lent=lambda _job: nullcontext(),
            record_start=self.record_start,
            record_result=self.record_result,
        )

    async def record_start(self, _job: Job, started_at: int) -> None:
        """An attempt has begun."""
        self.starts.append(started_at)

    async def record_result(self, _job: Job, outcome: Outcome | Cancelled, _started_at: int | None) -> None:
        """An attempt has ended."""
        self.results.append(outcome)
