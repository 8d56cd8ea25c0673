"""One seed of the simulation: the real service, its clients and its workers, through crashes, until all is quiet."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from support.reference import Behaviour
from support.simulation.checks import Checks
from support.simulation.clients import Start, Steering, random_clients
from support.simulation.loop import EPOCH, SimulatedClock, SimulatedLoop, Violation
from support.simulation.store import TENANT, SimulatedReader, SimulatedWriter, the_store
from support.simulation.workers import Workers, in_world
from support.simulation.workflows import TYPES, Plan, random_plans
from support.workflows import Scenario

from flowrun.bootstrap.parts import Parts
from flowrun.bus import OPERATOR
from flowrun.commands.execution_commands import ResumeExecution, SignalExecution
from flowrun.config import Settings
from flowrun.errors import FlowrunError, UnavailableError
from flowrun.persistence.database import next_epoch
from flowrun.persistence.encryption import Keyring
from flowrun.persistence.writer import Unit
from flowrun.triggers.resume_links import ResumeLinks

_LONGEST = 900.0
"""Virtual seconds after the last fault within which everything must have ended."""
_TRACED = 400


@cache
def _keyring() -> Keyring:
    return Keyring([bytes(32)])


@dataclass
class _Report:
    """What a seed has done."""

    seed: int
    lives: int
    steps: int
    executions: int
    digest: str
    """Of the whole trace: equal for equal runs."""


class World:
    """Everything of one seed. `Dice` of the store, and what the workers ask."""

    def __init__(self, seed: int, plans: Callable[[Random], list[Plan]] = random_plans) -> None:
        self.seed = seed
        self.rng = Random(seed)  # noqa: S311 - no secret
        self.trace: list[str] = []
        self.loop = SimulatedLoop(self.rng, 0.0)
        self.plans: list[Plan] = plans(self.rng)
        self.starts, self.steerings = random_clients(self.rng, self.plans)
        self.workers = Workers(self)
        self.store = the_store()
        self.store.reset([plan.document for plan in self.plans])
        self.checks = Checks(self, self.store.raw, TYPES)
        self.lives = 0
        self.outage = 0.0
        """Seconds in which the service was down, or its disk full."""
        self._steps = 0
        self._calm_at = self.rng.uniform(10, 25)
        self.calm = False
        """Nothing goes wrong any more: what is under way must end."""
        self._moods = {
            name: self.rng.choice([0, 0, 1, 1, 3]) for name in ("mistaken", "deaf", "dropped", "doubled", "late")
        }
        self._lying = self.rng.choice([0.0, 0.0, 0.02])
        self._slow = self.rng.choice([0.2, 1.0, 10.0])
        self._full = self._windows()
        self._deaths = self.rng.choice([0, 1, 1, 2, 3, 5])
        self._dies_at: int | None = None
        self._gracefully = False
        self._names: dict[str, str] = {}
        self._spawned: set[asyncio.Task[Any]] = set()
        self.stopping = asyncio.Event()
        self.parts: Parts

    def _windows(self) -> list[tuple[float, float]]:
        if self.rng.random() < 0.7:
            return []
        begin = self.rng.uniform(0.1, 8)
        end = begin + self.rng.choice([1, 5, 15]) * self.rng.random()
        self.outage += end - begin
        return [(begin, end)]

    # --- what can be asked

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return EPOCH + int(self.loop.time() * 1000 + 1e-6)

    def chance(self, name: str, share: float) -> bool:
        """Whether something goes wrong this time."""
        return not self.calm and self.rng.random() < share * self._moods[name]

    def delay(self, longest: float) -> float:
        """Seconds that something takes."""
        return 0.0 if self.rng.random() < 0.4 else self.rng.random() * longest * self._slow

    def duration(self) -> float:
        """Seconds that an attempt, or a message, takes."""
        return self.rng.choice([0.0, 0.05, 0.3, 1.0, 3.0]) * self.rng.random()

    @property
    def disk_fills(self) -> bool:
        """Whether the disk is full for a while."""
        return bool(self._full)

    def refuses(self) -> bool:
        """Whether the disk is full."""
        return any(begin <= self.loop.time() < end for begin, end in self._full)

    def lies(self) -> bool:
        """Whether a commit that stands is reported as failed."""
        return not self.calm and self.rng.random() < self._lying

    def new_id(self) -> str:
        """An id like a UUIDv7, of the virtual time."""
        return str(UUID(int=(self.now() << 80) | (7 << 76) | (1 << 63) | self.rng.getrandbits(62)))

    def name(self, execution_id: str) -> str:
        """A short name of an execution, for the trace."""
        return self._names.setdefault(execution_id, f"x{len(self._names) + 1}")

    def behaviour(self, workflow: str, node: str) -> Behaviour:
        """What a step does."""
        return next(plan for plan in self.plans if plan.id == workflow).behaviours[node]

    def scenario(self, workflow: str) -> Scenario | None:
        """What tells the workflow's meaning."""
        return next(plan for plan in self.plans if plan.id == workflow).scenario

    def undisturbed(self, execution_id: str) -> bool:
        """Whether no operator has changed the execution's course."""
        return not any(one.disturbs and one.of.execution_id == execution_id for one in self.steerings)

    def row(self, query: str, *parameters: Any) -> Any:
        """A row of what is durable."""
        return self.store.raw.execute(query, parameters).fetchone()

    # --- what happens

    def note(self, what: str, detail: object = "") -> None:
        """Write down what has happened."""
        if not self.loop.dead:
            self.trace.append(f"{self.loop.time():10.4f} {what} {detail}")

    def point(self, name: str, detail: object = "") -> None:
        """The process could die around here; the seed says whether it does."""
        if self.loop.dead:
            return
        self.note(name, detail)
        if self._dies_at is None or self.calm:
            return
        self._dies_at -= 1
        if self._dies_at <= 0:
            self._dies_at = None
            if self._gracefully:
                self.note("stop")
                self.stopping.set()
            else:
                self.loop.die_in(self.rng.randint(0, 6))

    def committed(self, group: Sequence[Unit]) -> None:
        """A transaction has become durable: check what it has changed."""
        self.note("committed", len(group))
        try:
            self.checks.committed(group)
        except AssertionError as error:
            self.violated(str(error))

    def violated(self, message: str) -> None:
        """Something that must hold doesn't: the run ends after this step."""
        self.loop.faults.append({"message": message})

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Let something happen beside the service, until its process ends."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._spawned.add(task)
        task.add_done_callback(self._spawned.discard)
        return task

    # --- the lives of the service

    def run(self) -> _Report:
        """Live until all is quiet. Raises `Violation` with the trace."""
        try:
            with _overhearing(self), in_world(self):
                while not self._live():
                    pass
            self.checks.finish()
        except AssertionError as error:
            shown = "\n".join(self.trace[-_TRACED:])
            raise Violation(f"{shown}\n\nTEST_SEED={self.seed}: {error}") from error
        digest = sha256("\n".join(self.trace).encode()).hexdigest()
        return _Report(self.seed, self.lives, self._steps, len(self.checks.known), digest)

    def _live(self) -> bool:
        """One life of the process; gives whether it was the last."""
        self.lives += 1
        self._spawned.clear()
        self.stopping = asyncio.Event()
        if self._deaths:
            self._deaths -= 1
            self._dies_at = round(self.rng.choice([10, 40, 120]) * self.rng.random()) + 1
            self._gracefully = self.rng.random() < 0.2
        quiet = bool(self.loop.live(self._main()))
        self._steps += self.loop.steps
        self.trace.append(f"{self.loop.time():10.4f} {'quiet' if quiet else 'the process is gone'}")
        if quiet:
            return True
        self.workers.crashed()
        pause = self.rng.choice([0.1, 2.0, 30.0]) * self.rng.random()
        self.outage += pause
        self.loop = SimulatedLoop(self.rng, self.loop.time() + pause)
        self.trace.append(f"{self.loop.time():10.4f} start {self.lives + 1}")
        return False

    async def _main(self) -> bool:
        writer, reader = SimulatedWriter(self.store, self), SimulatedReader(self.store, self)
        clock = SimulatedClock(self.loop)
        epoch = await self._first(writer)
        links = ResumeLinks(b"key", "http://localhost")
        self.parts = Parts(
            self._settings(),
            TYPES,
            writer,
            reader,
            clock,
            self.rng.random,
            epoch,
            _keyring(),
            links,  # type: ignore[arg-type]
        )
        async with self.parts.run():
            quiet = await self._until_quiet(clock)
            self.parts.engine.end_waits()
        for task in list(self._spawned):
            task.cancel()
        await asyncio.gather(*self._spawned, return_exceptions=True)
        await writer.close()
        return quiet

    async def _first(self, writer: SimulatedWriter) -> int:
        while True:
            try:
                return await writer.transact(next_epoch)
            except FlowrunError:
                await asyncio.sleep(1)  # Whoever supervises the process starts it again.

    def _settings(self) -> Settings:
        return Settings(
            data_dir=Path("/nowhere"),
            worker_webhook=self.rng.choice([1, 2, 16]),
            worker_response=self.rng.choice([1, 16]),
            cache_executions=self.rng.choice([1, 3, 100]),
            keep_executions=None,
            keep_logs=None,
            shutdown_grace=self.rng.choice([0.0, 2.0]),
        )

    async def _until_quiet(self, clock: SimulatedClock) -> bool:
        """Let the clients do what they want, then wait; False: the process is to stop."""
        clients = self.spawn(self._clients())
        until = 0.0
        while not self.stopping.is_set():
            await clock.wait(self.stopping, 1.0)
            if not self.calm and clients.done() and self.loop.time() > self._calm_at:
                clients.result()
                self.calm = True
                self.note("calm")
            if not self.calm:
                continue
            until = until or self.loop.time() + _LONGEST
            if self._is_quiet():
                return True
            if self.loop.time() > until:
                raise Violation(f"it doesn't end: {self._left()}")
            await self._carry_on()
        return False

    async def _clients(self) -> None:
        clients: list[Start | Steering] = [*self.starts, *self.steerings]
        for client in clients:
            if not client.done:
                self.spawn(client.act(self))
        while not all(client.done for client in clients):  # noqa: ASYNC110 - each is done at its own time
            await asyncio.sleep(0.5)

    async def insist(self, message: Any) -> Any:
        """Send a command until it is done, or turns out to be impossible (None)."""
        while True:
            try:
                return await self.parts.mediator.send(message, OPERATOR)
            except FlowrunError as error:
                self.note("refused", f"{type(message).__name__} {error}")
                if not isinstance(error, UnavailableError):
                    return None
            except DBAPIError as error:
                self.note("refused", f"{type(message).__name__} {error.orig}")
            await asyncio.sleep(0.5)

    def _is_quiet(self) -> bool:
        tables = ("executions WHERE finished_at IS NULL", "jobs", "timers", "events WHERE outcome = 'pending'")
        return not self._spawned and not any(self.row(f"SELECT 1 FROM {table} LIMIT 1") for table in tables)  # noqa: S608

    def _left(self) -> list[tuple[Any, ...]]:
        query = "SELECT 'execution', id, workflow_id, status FROM executions WHERE finished_at IS NULL"
        query += " UNION ALL SELECT 'job', execution_id, node_id, dispatch FROM jobs"
        query += " UNION ALL SELECT 'timer', execution_id, node_id, kind FROM timers"
        query += " UNION ALL SELECT 'event', id, type, outcome FROM events WHERE outcome = 'pending'"
        return [(kind, self.name(one), *rest) for kind, one, *rest in self.store.raw.execute(query)]

    async def _carry_on(self) -> None:
        """Resume what is paused, and answer what waits for somebody."""
        for execution_id, status in self.store.raw.execute(
            "SELECT id, status FROM executions WHERE status IN ('paused', 'waiting') AND trigger_type = 'manual'"
        ).fetchall():
            if status == "paused":
                await self.insist(ResumeExecution(tenant_id=TENANT, execution_id=execution_id))
            elif self.row("SELECT 1 FROM executions WHERE id = ? AND workflow_id = 'signal'", execution_id):
                await self.insist(SignalExecution(tenant_id=TENANT, execution_id=execution_id, name="go", data={}))


@contextmanager
def _overhearing(world: World) -> Iterator[None]:
    """What the service logs is part of the trace, and of nothing else: a dying process would log a lot."""
    loggers = [logging.getLogger(name) for name in ("flowrun", "taskiq", "taskiq.receiver.receiver")]
    kept = [(logger, logger.level, logger.propagate) for logger in loggers]
    handler = _Overheard(world)
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
        logger.propagate = False
    loggers[0].setLevel(logging.ERROR)
    loggers[0].addHandler(handler)
    try:
        yield
    finally:
        loggers[0].removeHandler(handler)
        for logger, level, propagate in kept:
            logger.setLevel(level)
            logger.propagate = propagate


class _Overheard(logging.Handler):
    """What the service logs as an error with a cause that isn't the database's is one."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.ERROR)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self._world.note("log", record.getMessage())
        if error is not None and not isinstance(error, DBAPIError) and not self._world.loop.dead:
            self._world.loop.faults.append({"message": record.getMessage(), "exception": error})
