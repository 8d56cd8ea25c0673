"""What the address of a waiting node leads to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.execution import Execution, RunKey
from flowrun.domain.json import JsonObject
from flowrun.domain.signals import awaiting_run, form_of
from flowrun.domain.states import ExecutionStatus
from flowrun.errors import NotFoundError
from flowrun.ports import Context
from flowrun.queries.documents import time


@dataclass(frozen=True, slots=True, kw_only=True)
class GetWait(Query[JsonObject]):
    """The wait of one node run; `{state, signal, form, due_at, tenant_id, execution_id}`.

    `state` is `waiting`, `early` (the node doesn't wait yet) or `over`.
    """

    scope: ClassVar[Scope] = Scope.RUN
    operator_only: ClassVar[bool] = True
    execution_id: str
    key: RunKey


async def handle(query: GetWait, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError` when there is no such wait, or its tenant is disabled."""
    execution = await context.engine.look(query.execution_id)
    node = next((node for node in execution.graph.waits if node.id == query.key[0]), None)
    if node is None or context.tenants.disabled(execution.tenant_id):
        raise NotFoundError("Nothing waits there")
    run = awaiting_run(execution, None, query.key)
    return {
        "state": _state(execution, query.key),
        "signal": node.signal,
        "form": None if run is None else form_of(run),
        "due_at": None if run is None else time(run.due_at),
        "tenant_id": execution.tenant_id,
        "execution_id": execution.id,
    }


def _state(execution: Execution, key: RunKey) -> str:
    node = execution.graph.nodes[key[0]]
    if execution.final or execution.status is ExecutionStatus.CANCELLING:
        return "over"
    if awaiting_run(execution, None, key) is not None:
        return "waiting"
    if node.loop is not None and (node.loop.id, key[1]) not in execution.scopes:
        return "over"
    run = execution.runs.get(key)
    taken = any(kept.target == key for kept in execution.signals.values())
    return "over" if taken or (run is not None and run.finished_at is not None) else "early"
