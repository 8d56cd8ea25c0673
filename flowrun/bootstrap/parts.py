"""The wiring: which concrete class stands behind each port, and who is told of what."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uuid_utils

from flowrun.bootstrap.reports import Reports
from flowrun.bus import Mediator, authorise, validate
from flowrun.channels.inbound import ChannelInbox
from flowrun.channels.sender import TenantChannels
from flowrun.channels.trial import ChannelTrial
from flowrun.commands import COMMANDS
from flowrun.commands.announcing import announcing
from flowrun.commands.idempotency import idempotent
from flowrun.commands.recover_events import RecoverEvents
from flowrun.config import Settings
from flowrun.coordinator.dispatcher import Dispatcher
from flowrun.coordinator.duty import steadily
from flowrun.coordinator.effects import Effects
from flowrun.coordinator.engine import ExecutionEngine
from flowrun.coordinator.feed import Feed
from flowrun.coordinator.limits import Limits
from flowrun.coordinator.recovery import Recovery
from flowrun.coordinator.retention import Retention
from flowrun.coordinator.schedules import Scheduler
from flowrun.coordinator.stats import Stats
from flowrun.coordinator.timers import Timers
from flowrun.domain.execution import Execution
from flowrun.domain.json import JsonObject
from flowrun.domain.turn import Decision, Job
from flowrun.nodes.http_client import HttpClient
from flowrun.nodes.job import Services
from flowrun.nodes.registry import NodeRegistry
from flowrun.persistence.channels import ChannelStore
from flowrun.persistence.conversations import ConversationStore
from flowrun.persistence.database import ReadOnly
from flowrun.persistence.encryption import Keyring
from flowrun.persistence.execution_store import ExecutionStore
from flowrun.persistence.graphs import GraphStore
from flowrun.persistence.probe import CommitProbe
from flowrun.persistence.secrets import SecretStore
from flowrun.persistence.writer import GroupWriter
from flowrun.ports import Clock, Context
from flowrun.queries import QUERIES
from flowrun.queue.local_queue import LocalQueue
from flowrun.triggers.closed_tenants import ClosedTenants
from flowrun.triggers.events import EventIndex
from flowrun.triggers.listeners import Listeners
from flowrun.triggers.resume_links import ResumeLinks
from flowrun.triggers.routes import RouteIndex
from flowrun.triggers.stored import load_events, load_routes, load_tenants
from flowrun.workers.attempts import Attempts
from flowrun.workers.called_workflows import CalledWorkflows
from flowrun.workers.logs import NodeLogs

_log = logging.getLogger(__name__)


def new_id() -> str:
    """A UUIDv7: its order is the order of creation."""
    return str(uuid_utils.uuid7())


class Parts:
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
        links: ResumeLinks,
    ) -> None:
        self.settings, self.writer, self.reader, self.epoch = settings, writer, reader, epoch
        self.links = links
        self.probe = CommitProbe(writer, clock)
        self.reports = Reports()
        self.http = HttpClient(settings.http_allow)
        self.secrets = SecretStore(reader, keyring)
        self.channels = ChannelStore(reader, keyring)
        capacities = {
            "webhook": settings.worker_webhook,
            "agent": settings.worker_agent,
            "response": settings.worker_response,
            "scheduler": settings.worker_scheduler,
        }
        self.logs = NodeLogs(writer, clock)
        called = CalledWorkflows(self.reports.send, lambda: self.engine, clock)
        sender = TenantChannels(self.channels, self.http, self.reports.disable_channel, self.reports.renew_channel)
        self.attempts = Attempts(
            types=types,
            services=Services(
                self.http,
                ConversationStore(reader, writer, clock),
                called,
                sender,
            ),
            secrets=self.secrets,
            clock=clock,
            logs=self.logs,
            lent=lambda job: self.dispatcher.lent(job),  # noqa: PLW0108 - it is made after the workers
            record_start=self.reports.record_start,
            record_result=self.reports.record_result,
        )
        self.queue = LocalQueue(capacities, self.attempts.run, self._job_done)
        self.dispatcher = Dispatcher(self.queue, capacities)
        self.timers = Timers(clock, reader, self.reports.fire)
        self.effects = Effects(
            self.dispatcher,
            self.timers,
            self.attempts.stop,
            self.attempts.never_ran,
            lambda tenant_id, graph: self.engine.gate.is_current(tenant_id, graph),  # noqa: PLW0108 - made later
        )
        graphs = GraphStore(reader, types)
        self.scheduler = Scheduler(clock, reader, graphs, self.reports.send)
        self.engine = ExecutionEngine(
            clock=clock,
            writer=writer,
            store=ExecutionStore(reader, graphs, links),
            committed=self._committed,
            new_id=new_id,
            jitter=jitter,
            epoch=epoch,
            cached=settings.cache_executions,
        )
        self.limits = Limits(self.engine, self.dispatcher, reader, graphs)
        self.feed = Feed(epoch)
        self.stats = Stats(
            clock=clock,
            epoch=epoch,
            lanes=self.dispatcher.lanes,
            writer=writer,
            gauges={
                "timers": lambda: {"within_minute": self.timers.near},
                "streams": lambda: self.feed.streams,
                "executions_in_memory": lambda: self.engine.in_memory,
            },
        )
        writer.observe = self.stats.wrote
        self.reports.ran = self.stats.ran
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
            channels=self.channels,
            inbound=ChannelInbox(self.channels),
            trials=ChannelTrial(sender, new_id),
            events=EventIndex(),
            tenants=ClosedTenants(),
            listeners=Listeners(),
            feed=self.feed,
            stats=self.stats,
            links=self.links,
            new_id=new_id,
            health=self._health,
        )
        self.mediator = Mediator((announcing(COMMANDS), QUERIES), (authorise, validate), idempotent, self.context)
        self.reports.mediator = self.mediator
        self.recovery = Recovery(
            reader=reader,
            clock=clock,
            dispatcher=self.dispatcher,
            effects=self.effects,
            lost=self.reports.record_loss,
            finish_cancelling=self.reports.finish_cancelling,
            epoch=epoch,
        )
        self.retention = Retention(
            clock=self.context.clock, reader=reader, writer=writer, engine=self.engine, settings=settings
        )
        self._ready = False

    @asynccontextmanager
    async def run(self) -> AsyncIterator[asyncio.Event]:
        """Recover, and do every duty until the block ends; gives what is set when it does."""
        await load_routes(self.reader, self.routes)
        await load_events(self.reader, self.context.events)
        await load_tenants(self.reader, self.context.tenants)
        await self.scheduler.load()
        await self.limits.recover()
        await self.recovery.hold_paused()
        await self.secrets.report_lost()
        await self.channels.report_lost()
        await self.stats.load(self.reader)
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
                    ("events", lambda: self.reports.send(RecoverEvents())),
                    ("stats", lambda: self.stats.load_last_hour(self.reader)),
                    ("retention", self.retention.run),
                )
            ]
            self._ready = True
            try:
                yield closing
            finally:
                self._ready = False
                closing.set()
                self.feed.close()
                self.dispatcher.close()
                await self.queue.close(self.settings.shutdown_grace / 2)
                await self._give_back()
                self.logs.close()
                for duty in duties:
                    duty.cancel()
                await self.http.aclose()

    async def _give_back(self) -> None:
        """Record which attempts the stop has cut off: they run again, and it is no sign against them."""
        losses = [self.reports.record_loss(job, blameless=True) for job in self.attempts.cut_off]
        for outcome in await asyncio.gather(*losses, return_exceptions=True):
            if isinstance(outcome, Exception):
                # The next start finds it begun and not ended, as after a death of the process.
                _log.warning("That an attempt was cut off could not be recorded: %s", outcome)

    def _committed(self, execution: Execution, decision: Decision) -> None:
        self.effects(execution, decision)
        self.scheduler.committed(execution)
        self.stats.committed(execution, decision)
        self.feed.committed(execution, decision)

    def _job_done(self, job: Job) -> None:
        self.dispatcher.done(job)

    async def _health(self) -> JsonObject:
        """Whether work can be committed, and how much of it there is."""
        await self.probe.check()
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
