"""Where everything meets: the concrete classes behind the ports, started and stopped in order."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uuid_utils

from flowrun.bus import OPERATOR, SYSTEM, Command, Mediator, Scope, authorise, validate
from flowrun.clock import SystemClock
from flowrun.commands import COMMANDS
from flowrun.commands.create_key import CreateKey
from flowrun.commands.create_tenant import CreateTenant
from flowrun.commands.fire_timer import FireTimer
from flowrun.commands.idempotency import idempotent
from flowrun.commands.record_loss import RecordLoss
from flowrun.commands.record_result import RecordResult
from flowrun.commands.record_start import RecordStart
from flowrun.commands.recover_events import RecoverEvents
from flowrun.config import Settings
from flowrun.coordinator.dispatcher import Dispatcher
from flowrun.coordinator.duty import steadily
from flowrun.coordinator.effects import Effects
from flowrun.coordinator.engine import ExecutionEngine
from flowrun.coordinator.limits import Limits
from flowrun.coordinator.recovery import Recovery
from flowrun.coordinator.schedules import Scheduler
from flowrun.coordinator.timers import DueTimer, Timers
from flowrun.domain.execution import Execution
from flowrun.domain.facts import TimerKind
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Cancelled, Outcome
from flowrun.domain.turn import Decision, Job
from flowrun.nodes.base import BaseNodeType
from flowrun.nodes.http_client import HttpClient
from flowrun.nodes.job import Services
from flowrun.nodes.registry import NodeRegistry, builtin_types
from flowrun.persistence.conversations import ConversationStore
from flowrun.persistence.database import DataLock, ReadOnly, next_epoch, writing_engine
from flowrun.persistence.encryption import Keyring, key_salt, load_keyring
from flowrun.persistence.graphs import GraphStore
from flowrun.persistence.migrate import migrate
from flowrun.persistence.secrets import SecretStore
from flowrun.persistence.writer import GroupWriter
from flowrun.ports import Clock, Context
from flowrun.queries import QUERIES
from flowrun.queue.local_queue import LocalQueue
from flowrun.triggers.closed_tenants import ClosedTenants
from flowrun.triggers.events import EventIndex
from flowrun.triggers.listeners import Listeners
from flowrun.triggers.routes import RouteIndex
from flowrun.triggers.stored import load_events, load_routes, load_tenants
from flowrun.workers.attempts import Attempts

_log = logging.getLogger(__name__)

_RANDOM = random.SystemRandom()
"""Not only for jitter: what stands for a secret in a job must not be guessed."""


@dataclass(slots=True, eq=False)
class Runtime:
    """A running engine without its HTTP side: what tests, benchmarks and `serve` all stand on."""

    settings: Settings
    mediator: Mediator
    context: Context
    engine: ExecutionEngine
    dispatcher: Dispatcher
    queue: LocalQueue
    epoch: int
    closing: asyncio.Event


def new_id() -> str:
    """A UUIDv7: its order is the order of creation."""
    return str(uuid_utils.uuid7())


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    clock: Clock | None = None,
    node_types: Sequence[BaseNodeType] = (),
    jitter: Callable[[], float] = _RANDOM.random,
) -> AsyncIterator[Runtime]:
    """Open the data directory, recover, and run until the block ends.

    Raises `ConfigurationError` when another process holds the directory or the database is a newer version's.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    types = builtin_types().with_plugins()
    for node_type in node_types:
        types.add(node_type)
    with DataLock(settings.data_dir):
        engine = writing_engine(settings.database_path)
        await asyncio.to_thread(migrate, engine, settings.database_path)
        writer, reader = GroupWriter(engine), ReadOnly(settings.database_path)
        writer.start()
        try:
            epoch = await writer.transact(next_epoch)
            salt = await writer.transact(key_salt)
            keyring = await asyncio.to_thread(load_keyring, settings.encryption_key, settings.data_dir, salt)
            parts = _Parts(settings, types, writer, reader, clock or SystemClock(), jitter, epoch, keyring)
            async with parts.run() as runtime:
                yield runtime
        finally:
            await writer.close()
            await reader.close()
            engine.dispose()


class _Parts:
    """The wiring: each part is made once, and told of the others it calls."""

    def __init__(
        self,
        settings: Settings,
        types: NodeRegistry,
        writer: GroupWriter,
        reader: ReadOnly,
        clock: Clock,
        jitter: Callable[[], float],
        epoch: int,
        keyring: Keyring,
    ) -> None:
        self.settings, self.writer, self.reader, self.epoch = settings, writer, reader, epoch
        self.http = HttpClient(settings.http_allow)
        self.secrets = SecretStore(reader, keyring)
        capacities = {
            "webhook": settings.worker_webhook,
            "agent": settings.worker_agent,
            "response": settings.worker_response,
            "scheduler": settings.worker_scheduler,
        }
        self.attempts = Attempts(
            types=types,
            services=Services(self.http, ConversationStore(reader, writer, clock)),
            secrets=self.secrets,
            clock=clock,
            record_start=self._record_start,
            record_result=self._record_result,
        )
        self.queue = LocalQueue(capacities, self.attempts.run, self._job_done)
        self.dispatcher = Dispatcher(self.queue, capacities)
        self.timers = Timers(clock, reader, self._fire)
        self.effects = Effects(self.dispatcher, self.timers, self.attempts.stop, self._never_ran)
        graphs = GraphStore(reader, types)
        self.scheduler = Scheduler(clock, reader, graphs, self._send)
        self.engine = ExecutionEngine(
            clock=clock,
            writer=writer,
            reader=reader,
            graphs=graphs,
            committed=self._committed,
            new_id=new_id,
            jitter=jitter,
            epoch=epoch,
            cached=settings.cache_executions,
        )
        self.limits = Limits(self.engine.gate, self.dispatcher, self.engine.admit)
        self.routes = RouteIndex()
        self.context = Context(
            clock=clock,
            writer=writer,
            reader=reader,
            graphs=graphs,
            engine=self.engine,
            routes=self.routes,
            schedules=self.scheduler,
            limits=self.limits,
            types=types,
            secrets=self.secrets,
            events=EventIndex(),
            tenants=ClosedTenants(),
            listeners=Listeners(),
            new_id=new_id,
            health=self._health,
        )
        self.mediator = Mediator((COMMANDS, QUERIES), (authorise, validate), idempotent, self.context)
        self.recovery = Recovery(
            reader=reader,
            clock=clock,
            dispatcher=self.dispatcher,
            effects=self.effects,
            lost=self._record_loss,
            finish_cancelling=self._finish_cancelling,
            epoch=epoch,
        )
        self._reports: set[asyncio.Task[None]] = set()
        self._ready = False

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Runtime]:
        await load_routes(self.reader, self.routes)
        await load_events(self.reader, self.context.events)
        await load_tenants(self.reader, self.context.tenants)
        await self.scheduler.load()
        await self.limits.recover(self.reader, self.context.graphs, self.context.clock)
        await self.secrets.report_lost()
        await self.queue.start()
        closing = asyncio.Event()
        async with _ungrouped(), asyncio.TaskGroup() as tasks:
            duties = [
                tasks.create_task(steadily(name, duty, self.context.clock), name=name)
                for name, duty in (
                    ("timers", self.timers.run),
                    ("schedules", self.scheduler.run),
                    ("attempts", self.attempts.watch),
                    ("recovery", self.recovery.run),
                    ("events", lambda: self._send(RecoverEvents())),
                )
            ]
            self._ready = True
            try:
                yield Runtime(
                    self.settings,
                    self.mediator,
                    self.context,
                    self.engine,
                    self.dispatcher,
                    self.queue,
                    self.epoch,
                    closing,
                )
            finally:
                self._ready = False
                closing.set()
                self.dispatcher.close()
                await self.queue.close(self.settings.shutdown_grace / 2)
                for duty in duties:
                    duty.cancel()
                await self.http.aclose()

    # --- facts that come back as commands

    async def _record_start(self, job: Job, started_at: int) -> None:
        await self.mediator.send(
            RecordStart(
                tenant_id=job.tenant_id,
                execution_id=job.execution_id,
                key=(job.node_id, job.iteration),
                dispatch=job.dispatch,
                started_at=started_at,
            ),
            SYSTEM,
        )

    async def _record_result(self, job: Job, outcome: Outcome | Cancelled, started_at: int | None) -> None:
        await self.mediator.send(
            RecordResult(
                tenant_id=job.tenant_id,
                execution_id=job.execution_id,
                key=(job.node_id, job.iteration),
                dispatch=job.dispatch,
                outcome=outcome,
                started_at=started_at,
            ),
            SYSTEM,
        )

    async def _record_loss(self, job: Job) -> None:
        await self.mediator.send(
            RecordLoss(
                tenant_id=job.tenant_id,
                execution_id=job.execution_id,
                key=(job.node_id, job.iteration),
                dispatch=job.dispatch,
            ),
            SYSTEM,
        )

    async def _send(self, command: Command[None]) -> None:
        await self.mediator.send(command, SYSTEM)

    def _committed(self, execution: Execution, decision: Decision) -> None:
        self.effects(execution, decision)
        self.scheduler.committed(execution)

    async def _fire(self, timer: DueTimer) -> None:
        key = (timer.node_id, timer.iteration) if timer.node_id else None
        await self.mediator.send(FireTimer(execution_id=timer.execution_id, kind=timer.kind, key=key), SYSTEM)

    async def _finish_cancelling(self, execution_id: str) -> None:
        await self.mediator.send(FireTimer(execution_id=execution_id, kind=TimerKind.CANCEL_GRACE, key=None), SYSTEM)

    def _job_done(self, job: Job) -> None:
        self.dispatcher.done(job)

    def _never_ran(self, job: Job) -> None:
        task = asyncio.get_running_loop().create_task(self._record_result(job, Cancelled(), None))
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)

    async def _health(self) -> JsonObject:
        """Whether work can be committed: the writer answers, and the lanes are open."""
        await self.writer.transact(lambda _connection: None)
        queues: JsonObject = {
            name: {"waiting": lane.depth, "running": lane.running} for name, lane in self.dispatcher.lanes.items()
        }
        return {
            "ready": self._ready,
            "epoch": self.epoch,
            "executions_in_memory": self.engine.in_memory,
            "workers": queues,
        }


@asynccontextmanager
async def _ungrouped() -> AsyncIterator[None]:
    """Let a single error come out of a task group as itself: what was wrong is told in one line."""
    try:
        yield
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:
            raise group.exceptions[0] from None
        raise


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    """Where a service that has started can be reached."""

    host: str
    port: int
    socket_path: Path
    data_dir: Path
    operator_key: str | None
    """An API key for every tenant, made at the first start of a data directory and shown this once."""


async def run_service(
    settings: Settings,
    *,
    started: Callable[[ServiceInfo], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, or until `stop` is set; drains what runs, within `shutdown_grace` seconds.

    Raises `ConfigurationError` when the data directory or the port is taken.
    """
    from flowrun.api.app import create_app  # noqa: PLC0415 - the HTTP side loads slowly; the engine is up before
    from flowrun.api.serving import serve  # noqa: PLC0415

    stop = _stopped_by_signals() if stop is None else stop
    async with running(settings) as runtime:
        key = await _first_key(runtime)
        _spare_the_collector()

        def listening(port: int) -> None:
            if started is not None:
                started(ServiceInfo(settings.host, port, settings.socket, settings.data_dir, key))

        await serve(
            create_app(runtime.mediator, runtime.context, settings),
            host=settings.host,
            port=settings.port,
            socket_path=settings.socket,
            stop=stop,
            started=listening,
            stopping=runtime.engine.end_waits,
            grace=settings.shutdown_grace / 2,
        )


def _stopped_by_signals() -> asyncio.Event:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def _spare_the_collector() -> None:
    """Keep the garbage collector from walking what lives as long as the process at every turn.

    Executions make few cycles; with Python's own thresholds a tenth of the time under load goes into looking.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


async def _first_key(runtime: Runtime) -> str | None:
    """The first start of a data directory makes a tenant and a key, so that there is something to begin with."""
    if runtime.epoch > 1:
        return None
    await runtime.mediator.send(CreateTenant(id="default", name="Default"), OPERATOR)
    made = await runtime.mediator.send(
        CreateKey(tenant_id=None, name="first operator key", scopes=tuple(Scope)), OPERATOR
    )
    return str(made["key"])
