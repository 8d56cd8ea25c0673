"""Streams: what changes anywhere, and the history of one execution, as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack

from starlette.responses import Response

from flowrun import __version__
from flowrun.api.event_stream import SECONDS, SENT, EventStream, Life, alive, event, pace
from flowrun.api.operation import Call, Operation, Param
from flowrun.domain.json import JsonObject
from flowrun.domain.states import ExecutionStatus
from flowrun.errors import InvalidInputError, Issue
from flowrun.ports import FeedChange, FeedReader, StreamPosition
from flowrun.queries.follow import FollowExecution, FollowTenant, NextEvents

_BURST = 500
"""Changes that are written at once."""
_PAGE = 50
"""Events that are read at once: each may hold a large payload."""
_LAST_ID = "last-event-id"


async def everything(call: Call) -> Response:
    """Follow what changes, of every tenant or of one."""
    tenant_id = call.query["tenant"] or call.principal.tenant_id
    await call.send(FollowTenant(tenant_id=tenant_id))
    life = Life(call)
    with ExitStack() as held:
        reader = held.enter_context(call.context.feed.reading(call.principal.name))
        first = _first(call, reader)
        chunks = _changes(first, reader, _wanted(call, tenant_id), life)
        return EventStream(chunks, held.pop_all())


def _first(call: Call, reader: FeedReader) -> bytes:
    """What a stream begins with: whether it goes on where its reader left."""
    known: JsonObject = {"epoch": call.context.feed.epoch, "version": __version__}
    last = call.request.headers.get(_LAST_ID)
    if last is None:
        return event("ready", {**known, "resumed": False}, reader.position)
    found = reader.resume(last)
    if found is StreamPosition.RESUMED:
        return event("ready", {**known, "resumed": True}, reader.position)
    return event("resync", {**known, "reason": found.value}, reader.position)


def _wanted(call: Call, tenant_id: str | None) -> Callable[[FeedChange], bool]:
    workflow, states = call.query["workflow"], frozenset(call.query["status"])

    def wanted(change: FeedChange) -> bool:
        if tenant_id is not None and change.tenant_id != tenant_id:
            return False
        if workflow is not None and change.workflow_id != workflow:
            return False
        return not states or change.status in states or (workflow is not None and change.status is None)

    return wanted


async def _changes(
    first: bytes, reader: FeedReader, wanted: Callable[[FeedChange], bool], life: Life
) -> AsyncGenerator[bytes, None]:
    yield first
    while True:
        reason = await life.over()
        if reason is not None:
            yield event("end", {"reason": reason})
            return
        changes = reader.take(_BURST)
        if changes is None:
            yield event("resync", {"reason": "slow"}, reader.position)
            continue
        found = b"".join([change.frame for change in changes if wanted(change)])
        if found:
            yield found
        if len(changes) == _BURST:
            await asyncio.sleep(0)
            continue
        await asyncio.sleep(pace(len(changes)))
        if not await life.news(reader.news()):
            yield alive(reader.position)


async def execution(call: Call) -> Response:
    """Follow the history of one execution."""
    tenant_id, execution_id = call.path("tenant"), call.path("execution")
    after = _after(call)
    with ExitStack() as held:
        life = Life(call)
        # Watched from before the first look: what is committed in between isn't missed.
        committed = held.enter_context(call.context.feed.watching(call.principal.name, execution_id))
        page = await call.send(_page(tenant_id, execution_id, after))
        return EventStream(_history(call, after, page, committed, life), held.pop_all())


def _after(call: Call) -> int:
    last = call.request.headers.get(_LAST_ID)
    if last is None:
        return int(call.query["after"])
    if not (last.isascii() and last.isdigit() and len(last) <= 15):
        raise InvalidInputError("The headers are not valid", [Issue("Last-Event-ID", "must be the number of an event")])
    return int(last)


def _page(tenant_id: str, execution_id: str, after: int) -> FollowExecution:
    return FollowExecution(tenant_id=tenant_id, execution_id=execution_id, after_seq=after, limit=_PAGE)


async def _history(
    call: Call, after: int, page: NextEvents, committed: asyncio.Event, life: Life
) -> AsyncGenerator[bytes, None]:
    tenant_id, execution_id = call.path("tenant"), call.path("execution")
    yield alive()
    while True:
        for item in page.items:
            yield event("history", item, str(item["seq"]))
        if page.items:
            after = int(str(page.items[-1]["seq"]))
        if page.last:
            yield event("end", {"reason": "finished", "status": page.status})
            return
        if not page.more:
            await asyncio.sleep(pace(len(page.items)))
            while not await life.news(committed.wait()) and await life.over() is None:
                yield alive()
        reason = await life.over()
        if reason is not None:
            yield event("end", {"reason": reason})
            return
        committed.clear()
        page = await call.send(_page(tenant_id, execution_id, after))


OPERATIONS = (
    Operation(
        "GET",
        "/api/v1/stream",
        everything,
        "Follow what changes, as server-sent events; `Last-Event-ID` goes on without a gap or a repeat",
        query=(
            Param("tenant", "string", "Of this tenant alone. A tenant's key has its own in any case."),
            Param("workflow", "string", "Executions of this workflow alone."),
            Param(
                "status",
                "strings",
                "Executions in any of these states alone.",
                choices=tuple(status.value for status in ExecutionStatus),
                default=(),
            ),
            SECONDS,
        ),
        answers=SENT,
    ),
    Operation(
        "GET",
        "/api/v1/tenants/{tenant}/executions/{execution}/stream",
        execution,
        "Follow the history of an execution to its end, as server-sent events",
        query=(
            Param("after", "integer", "Only events with a higher number; `Last-Event-ID` says the same.", default=0),
            SECONDS,
        ),
        answers=SENT,
    ),
)
