"""The engine without its HTTP side: opened, recovered, run and stopped in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from flowrun.bootstrap.parts import Parts
from flowrun.bus import Mediator
from flowrun.clock import SystemClock
from flowrun.config import Settings
from flowrun.coordinator.dispatcher import Dispatcher
from flowrun.coordinator.engine import ExecutionEngine
from flowrun.nodes.base import BaseNodeType
from flowrun.nodes.registry import builtin_types
from flowrun.persistence.database import DataLock, ReadOnly, next_epoch, writing_engine
from flowrun.persistence.encryption import key_salt, load_keyring, resume_key
from flowrun.persistence.migrate import migrate
from flowrun.persistence.writer import GroupWriter
from flowrun.ports import Clock, Context
from flowrun.queue.local_queue import LocalQueue
from flowrun.triggers.resume_links import ResumeLinks

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
    links: ResumeLinks

    def end_waits(self) -> None:
        """Answer all who wait for something, and end the streams: the process is about to stop."""
        self.engine.end_waits()
        self.context.feed.close()


def public_url(settings: Settings, port: int) -> str:
    """How the world reaches a service that listens on a port."""
    if settings.public_url:
        return settings.public_url
    host = "localhost" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


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
            links = ResumeLinks(await writer.transact(resume_key), public_url(settings, settings.port))
            parts = Parts(settings, types, writer, reader, clock or SystemClock(), jitter, epoch, keyring, links)
            async with parts.run() as closing:
                yield Runtime(
                    settings,
                    parts.mediator,
                    parts.context,
                    parts.engine,
                    parts.dispatcher,
                    parts.queue,
                    epoch,
                    closing,
                    links,
                )
        finally:
            await writer.close()
            await reader.close()
            engine.dispose()
