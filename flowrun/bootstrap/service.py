"""The whole service: the engine and its HTTP side, until a signal ends it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, select

from flowrun.bootstrap.interpreter import tune_interpreter
from flowrun.bootstrap.runtime import Runtime, public_url, running
from flowrun.bus import OPERATOR, Scope
from flowrun.commands.create_key import CreateKey
from flowrun.commands.create_tenant import CreateTenant
from flowrun.config import Settings
from flowrun.errors import ConfigurationError, ConflictError
from flowrun.persistence import tables as t


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
        tune_interpreter()

        def listening(port: int) -> None:
            runtime.links.base_url = public_url(settings, port)
            if started is not None:
                started(ServiceInfo(settings.host, port, settings.socket, settings.data_dir, key))

        try:
            await serve(
                create_app(runtime.mediator, runtime.context, settings),
                host=settings.host,
                port=settings.port,
                socket_path=settings.socket,
                stop=stop,
                started=listening,
                stopping=runtime.end_waits,
                grace=settings.shutdown_grace / 2,
            )
        except ConfigurationError:
            if key is not None:
                await _forget_keys(runtime)
            raise


def _stopped_by_signals() -> asyncio.Event:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _first_key(runtime: Runtime) -> str | None:
    """The first start of a data directory makes a tenant and a key, so that there is something to begin with."""
    keys = t.api_keys
    if await runtime.context.reader.first(select(keys.c.id).where(keys.c.tenant_id.is_(None)).limit(1)) is not None:
        return None
    with suppress(ConflictError):  # An earlier start came as far as this.
        await runtime.mediator.send(CreateTenant(id="default", name="Default"), OPERATOR)
    made = await runtime.mediator.send(
        CreateKey(tenant_id=None, name="first operator key", scopes=tuple(Scope)), OPERATOR
    )
    return str(made["key"])


async def _forget_keys(runtime: Runtime) -> None:
    """Nobody has seen the first key, for the service doesn't start: the next start makes another one."""
    await runtime.context.writer.transact(
        lambda connection: connection.execute(delete(t.api_keys).where(t.api_keys.c.tenant_id.is_(None)))
    )
