"""What an execution waits for from outside: the signals, and where each can be sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.execution import Execution, NodeRun
from flowrun.domain.json import JsonObject
from flowrun.domain.signals import form_of, is_awaiting
from flowrun.errors import NotFoundError
from flowrun.ports import Context
from flowrun.queries.documents import time


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWaits(Query[JsonObject]):
    """The nodes that wait for a signal; `{items}` with `{node_id, iteration, signal, form, since, due_at, resume_url}`.

    Who knows an address may answer: so it takes the right to run.
    """

    scope: ClassVar[Scope] = Scope.RUN
    tenant_id: str
    execution_id: str


async def handle(query: ListWaits, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError`."""
    execution = await context.engine.look(query.execution_id)
    if execution.tenant_id != query.tenant_id:
        raise NotFoundError(f"The tenant {query.tenant_id} has no execution {query.execution_id}")
    waits = [] if execution.final else [run for run in execution.runs.values() if is_awaiting(run)]
    return {"items": [_document(execution, run, context) for run in waits]}


def _document(execution: Execution, run: NodeRun, context: Context) -> JsonObject:
    return {
        "node_id": run.node.id,
        "iteration": run.iteration,
        "signal": run.node.signal,
        "form": form_of(run),
        "since": time(run.queued_at),
        "due_at": time(run.due_at),
        "resume_url": context.links.url(execution.id, *run.key),
    }
