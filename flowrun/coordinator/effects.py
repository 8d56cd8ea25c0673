"""What follows from a committed decision: workers are stopped, jobs handed out, timers set."""

from __future__ import annotations

from collections.abc import Callable

from flowrun.coordinator.dispatcher import Dispatcher, JobKey
from flowrun.coordinator.timers import Timers
from flowrun.domain.execution import Execution
from flowrun.domain.graph import Graph
from flowrun.domain.states import ExecutionStatus
from flowrun.domain.turn import Decision, Job


class Effects:
    """Called by the engine after each commit, in the event loop; it never waits."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        timers: Timers,
        stopping: Callable[[JobKey], None],
        never_ran: Callable[[Job], None],
        is_current: Callable[[str, Graph], bool],
    ) -> None:
        """Wire it up.

        `stopping` is told of a run whose worker is about to be cancelled, `never_ran` of a job of a cancelled
        execution that no worker had begun, and `is_current` tells whether a version's limits are in force.
        """
        self._dispatcher = dispatcher
        self._timers = timers
        self._stopping = stopping
        self._never_ran = never_ran
        self._is_current = is_current
        self.ended: set[JobKey] | None = None
        """During recovery: the jobs that ended meanwhile, which must not be handed out from their old rows."""

    def __call__(self, execution: Execution, decision: Decision) -> None:
        """Act on one decision."""
        for node_id, iteration in decision.stop:
            self._stop(execution, (execution.id, node_id, iteration))
        if self.ended is not None:
            self.ended.update((execution.id, *key) for key in decision.ended_jobs)
        if decision.ended_timers:
            self._timers.clear(execution.id, decision.ended_timers)
        if decision.timers:
            self._timers.set(execution.id, decision.timers)
        if decision.status_changed:
            if execution.status is ExecutionStatus.PAUSED:
                self._dispatcher.hold(execution.id)
            else:
                self._dispatcher.release(execution.id)
        if decision.jobs:
            graph = execution.graph
            if graph.running_nodes is not None and self._is_current(execution.tenant_id, graph):
                self._dispatcher.limit((execution.tenant_id, graph.workflow_id), graph.running_nodes)
            self._dispatcher.add(decision.jobs)

    def _stop(self, execution: Execution, key: JobKey) -> None:
        self._stopping(key)
        job = self._dispatcher.stop(key)
        if job is not None and execution.status is ExecutionStatus.CANCELLING:
            self._never_ran(job)
