"""Simulated workers: slow, deaf, taken for dead, answering late and more than once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from unittest import mock

import anyio.to_thread
from support.node_types import Step
from support.workflows import answer

from flowrun.bootstrap.reports import Reports
from flowrun.coordinator.timers import DueTimer
from flowrun.domain.node_type import Cancelled, Outcome
from flowrun.domain.turn import Job
from flowrun.errors import FlowrunError, UnavailableError
from flowrun.nodes.job import NodeJob, Services
from flowrun.workers.attempts import Attempts

if TYPE_CHECKING:
    from support.simulation.world import World

_JOB: ContextVar[Job] = ContextVar("job")


class SimulatedStep(Step):
    """Does what its behaviour says, in its own time. Shared by all worlds; the present one is set by `in_world`."""

    world: World

    def ports(self, params: Mapping[str, Any]) -> tuple[str, ...]:  # noqa: ARG002
        """Every port that the workflows use."""
        return ("main", "left", "right")

    async def run(self, job: NodeJob, services: Services) -> Outcome:  # noqa: ARG002
        """Have the effect, and answer."""
        world, whole = self.world, _JOB.get()
        behaviour = world.behaviour(job.workflow_id, job.node_id)
        world.workers.begins(whole)
        if world.chance("mistaken", 0.05):
            world.spawn(world.workers.count_as_lost(whole))
        times_out = behaviour.timed_out and job.attempt <= behaviour.failures
        try:
            await asyncio.sleep(whole.timeout + 1 if times_out else world.duration())
        except asyncio.CancelledError:
            if not world.chance("deaf", 0.2):
                raise
            await asyncio.sleep(world.duration())
        world.workers.has_effect(whole)
        return answer(whole, behaviour)


STEP = SimulatedStep()


class Workers:
    """What is known of the attempts that were made."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.begun: Counter[tuple[str, str, str, int]] = Counter()
        """How often each dispatch has begun, over all lives."""
        self._begun_now: set[tuple[str, str, str, int]] = set()
        """In this life."""
        self.effects: set[tuple[str, str, str, int]] = set()
        """Dispatches that have done what they do."""
        self.under_way: set[tuple[str, str, str, int]] = set()
        """Dispatches that have begun and whose result isn't durable."""
        self._forgiven: Counter[tuple[str, str, str, int]] = Counter()
        """How often a crash has caught each of them under way, its start not durable."""

    def begins(self, job: Job) -> None:
        """An attempt has its first effect on the world."""
        token = (*job.key, job.dispatch)
        self._world.point("begin", f"{job.workflow_id}/{job.node_id} {job.iteration} #{job.dispatch}")
        row = self._row(job.key)
        if row is None or row[1] < job.dispatch:
            self._world.violated(f"{token} runs before its dispatch is durable: {row}")
        if job.careful and row[1] == job.dispatch and row[0] == "queued":
            self._world.violated(f"{token} runs with care, and its start is not durable")
        if token in self._begun_now:
            self._world.violated(f"{token} runs twice in one life")
        self._begun_now.add(token)
        self.begun[token] += 1
        if self.begun[token] > 1 + self._forgiven[token]:
            self._world.violated(f"{token} runs again, and no crash has caught it under way")
        self.under_way.add(token)

    def ended(self, execution_id: str, node_id: str, iteration: str) -> None:
        """What an attempt has led to is durable: no crash can undo it."""
        key = (execution_id, node_id, iteration)
        self.under_way = {token for token in self.under_way if token[:3] != key}

    def has_effect(self, job: Job) -> None:
        """An attempt has done what it does, and its result is on its way."""
        self.effects.add((*job.key, job.dispatch))
        self._world.point("effect", f"{job.workflow_id}/{job.node_id} {job.iteration} #{job.dispatch}")

    def _row(self, key: tuple[str, str, str]) -> Any:
        query = "SELECT status, dispatch FROM node_executions WHERE execution_id=? AND node_id=? AND iteration=?"
        return self._world.row(query, *key)

    def crashed(self) -> None:
        """The process has died, and all attempts with it; those that are known to have begun get a new number."""
        for token in self.under_way:
            if self._row(token[:3]) != ("running", token[3]):
                self._forgiven[token] += 1
        self.under_way.clear()
        self._begun_now.clear()

    async def count_as_lost(self, job: Job) -> None:
        """Take a worker for dead that isn't: its attempt goes on, and will answer under an old number."""
        await asyncio.sleep(self._world.duration() / 2)
        self._world.note("lost", f"{job.workflow_id}/{job.node_id} #{job.dispatch}, taken for dead")
        try:
            await self._world.parts.reports.record_loss(job)
        except FlowrunError as error:
            self._world.note("refused", error)


@contextmanager
def in_world(world: World) -> Iterator[None]:
    """Let workers, deliveries and timers be the simulation's, for as long as the block lasts."""
    STEP.world = world
    with ExitStack() as patches:
        for owner, name, wrapped in (
            (Attempts, "run", _run),
            (Reports, "record_result", _deliver),
            (Reports, "fire", _fire),
        ):
            original = getattr(owner, name)
            patches.enter_context(mock.patch.object(owner, name, wrapped(world, original)))
        patches.enter_context(mock.patch.object(anyio.to_thread, "run_sync", _at_once))
        patches.enter_context(mock.patch("flowrun.bootstrap.parts.new_id", world.new_id))
        yield


async def _at_once(function: Any, *arguments: Any, **_more: Any) -> Any:
    return function(*arguments)


def _run(_world: World, original: Any) -> Any:
    async def run(self: Attempts, job: Job) -> None:
        _JOB.set(job)
        await original(self, job)

    return run


def _deliver(world: World, original: Any) -> Any:
    """A result may get lost on its way (then it is sent again), arrive late, or several times."""

    async def again(self: Reports, arguments: tuple[Any, ...]) -> None:
        await asyncio.sleep(world.duration())
        try:
            await original(self, *arguments)
        except UnavailableError as error:
            world.note("refused", error)

    async def record(self: Reports, job: Job, outcome: Outcome | Cancelled, started_at: int | None) -> None:
        world.point("result", f"{job.workflow_id}/{job.node_id} #{job.dispatch} {type(outcome).__name__}")
        if world.chance("dropped", 0.1):
            raise UnavailableError("the delivery was dropped")
        while world.chance("doubled", 0.15):
            world.spawn(again(self, (job, outcome, started_at)))
        if world.chance("late", 0.1):
            await asyncio.sleep(world.duration())
        await original(self, job, outcome, started_at)

    return record


def _fire(world: World, original: Any) -> Any:
    async def fire(self: Reports, timer: DueTimer) -> None:
        world.point("timer", f"{timer.kind.value} {world.name(timer.execution_id)} {timer.node_id}")
        await original(self, timer)

    return fire
