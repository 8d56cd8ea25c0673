"""Events that workflows emit, in the form of CloudEvents, and how long a chain of them may get."""

from __future__ import annotations

from flowrun.domain.execution import Execution, NodeRun
from flowrun.domain.failure import rfc3339
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Emitted

MAX_CHAIN = 16
"""Workflows that start one another, by events or by their errors, before the next event is refused."""
DEPTH = "flowrundepth"
"""The extension attribute in which an event carries its place in the chain, also over other systems."""


def chain_depth(trigger: JsonObject) -> int:
    """How many workflows have started one another before this one."""
    depth = trigger.get("depth")
    return depth if isinstance(depth, int) and not isinstance(depth, bool) and depth > 0 else 0


def event_of(execution: Execution, run: NodeRun, emitted: Emitted, now: int) -> JsonObject:
    """The event that a run emits; its id is the same whenever it is asked for, so that it can be told from others."""
    event: JsonObject = {
        "specversion": "1.0",
        "id": ":".join((execution.id, *run.key)),
        "source": f"/tenants/{execution.tenant_id}/workflows/{execution.graph.workflow_id}",
        "type": emitted.event_type,
        "time": rfc3339(now),
        DEPTH: chain_depth(execution.trigger) + 1,
        "data": emitted.output,
    }
    if emitted.subject is not None:
        event["subject"] = emitted.subject
    return event
