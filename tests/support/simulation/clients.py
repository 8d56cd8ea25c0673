"""Those who use the simulated service: they start executions, steer them, lose patience and ask again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError
from support.simulation.workflows import Plan

from flowrun.bus import OPERATOR
from flowrun.commands import execution_commands as commands
from flowrun.commands.start_execution import StartExecution
from flowrun.coordinator.admission import LimitReachedError
from flowrun.errors import FlowrunError

if TYPE_CHECKING:
    from support.simulation.world import World

_PACE = 0.3
"""Seconds after which a client asks again."""
_CALM = (commands.PauseExecution, commands.ResumeExecution, commands.SignalExecution)
"""Commands after which an execution still means what it meant."""


@dataclass(eq=False)
class Start:
    """A client that wants one execution, and asks until it has an answer."""

    number: int
    at: float
    plan: Plan
    watches: bool
    impatience: float
    """The share of its requests that it gives up, to ask again."""
    execution_id: str | None = None
    done: bool = False

    async def act(self, world: World) -> None:
        """Ask, with the same key each time."""
        await asyncio.sleep(max(0.0, self.at - world.loop.time()))
        while not self.done:
            try:
                async with asyncio.timeout(world.rng.random() if world.rng.random() < self.impatience else None):
                    self._accepted(world, await world.parts.mediator.send(self._message(), OPERATOR))
            except LimitReachedError:
                self.done = True
                return
            except (FlowrunError, DBAPIError, TimeoutError) as error:
                world.note("refused", f"start {self.number}: {type(error).__name__} {error}")
                await asyncio.sleep(_PACE)
        if self.watches:
            await self._watch(world)

    def _message(self) -> StartExecution:
        return StartExecution(
            tenant_id="acme",
            workflow_id=self.plan.id,
            input={"op": self.number, "flag": True},
            idempotency_key=f"start {self.number}",
            notify=self.watches,
        )

    def _accepted(self, world: World, answer: dict[str, Any]) -> None:
        self.execution_id, self.done = answer["execution_id"], True
        world.point("accepted", f"start {self.number}: {self.plan.id} as {world.name(answer['execution_id'])}")
        if world.row("SELECT 1 FROM executions WHERE id = ?", self.execution_id) is None:
            world.violated(f"start {self.number} was answered, and its execution is not durable")

    async def _watch(self, world: World) -> None:
        """Wait for the end; what one is told is what is stored."""
        ending = await world.parts.engine.ending(str(self.execution_id), response=False, timeout=2000.0)
        if ending is None:
            return
        world.note("told end", f"{world.name(ending.execution_id)} {ending.status.value}")
        history = world.checks.known[ending.execution_id].history
        if not any(event.type.lower().replace("_", "").endswith(_END[ending.status.value]) for _, event in history):
            world.violated(f"{world.name(ending.execution_id)} was said to be {ending.status}, and is not")


_END = {
    "completed": "executioncompleted",
    "failed": "executionfailed",
    "cancelled": "executioncancelled",
    "timed_out": "executiontimedout",
}


@dataclass(eq=False)
class Steering:
    """An operator's command to an execution."""

    of: Start
    at: float
    command: type[commands.ExecutionCommand]
    more: dict[str, Any]
    done: bool = False

    @property
    def disturbs(self) -> bool:
        """Whether the execution may end otherwise for it."""
        return not issubclass(self.command, _CALM)

    async def act(self, world: World) -> None:
        """Give the command once there is somebody to take it."""
        await asyncio.sleep(max(0.0, self.at - world.loop.time()))
        while self.of.execution_id is None:
            if self.of.done:  # There never was one.
                self.done = True
                return
            await asyncio.sleep(_PACE)
        message = self.command(tenant_id="acme", execution_id=self.of.execution_id, **self.more)
        answer = await world.insist(message)
        self.done = True
        world.point("steered", f"{self.command.__name__} {world.name(self.of.execution_id)}: {answer is not None}")


def random_clients(rng: Random, plans: list[Plan]) -> tuple[list[Start], list[Steering]]:
    """What the clients of one seed want."""
    starts: list[Start] = []
    steerings: list[Steering] = []
    impatience = rng.choice([0.0, 0.0, 0.5])
    offered = [plan for plan in plans if not plan.child]
    favourite = rng.choice(offered)
    for number in range(rng.randint(2, 7)):
        plan = favourite if rng.random() < 0.4 else rng.choice(offered)
        start = Start(number, rng.uniform(0, 5), plan, rng.random() < 0.5, impatience)
        starts.append(start)
        if plan.signals and rng.random() < 0.7:
            signal = {"name": rng.choice(plan.signals), "data": number}
            steerings.append(Steering(start, rng.uniform(0, 12), commands.SignalExecution, signal))
        if rng.random() < 0.4:
            steerings += _steered(rng, start)
    return starts, steerings


def _steered(rng: Random, start: Start) -> list[Steering]:
    kinds = ["pause", "pause", "cancel", "cancel", "terminate", "skip"]
    at = start.at + rng.choice([0.5, 5]) * rng.random()
    kind = rng.choice(kinds)
    if kind == "pause":
        pause = Steering(start, at, commands.PauseExecution, {})
        return [pause, Steering(start, at + rng.uniform(0, 6), commands.ResumeExecution, {})]
    if kind == "skip":
        return [Steering(start, at, commands.SkipNode, {"node_id": "n0", "output": {"skipped": True}})]
    found = [Steering(start, at, commands.CancelExecution if kind == "cancel" else commands.TerminateExecution, {})]
    if rng.random() < 0.5:
        at += rng.uniform(0, 8)
        found.append(Steering(start, at, commands.RetryExecution, {}))
        if rng.random() < 0.5:
            found.append(Steering(start, at + rng.uniform(0, 3), commands.PauseExecution, {}))
            found.append(Steering(start, at + rng.uniform(3, 6), commands.ResumeExecution, {}))
    return found
