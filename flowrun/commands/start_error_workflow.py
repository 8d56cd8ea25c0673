"""Starts, once, the workflow that handles the failure of another one."""

from __future__ import annotations

import logging
from functools import partial

from sqlalchemy import Connection

from flowrun.domain.emission import chain_depth
from flowrun.domain.execution import RunKey
from flowrun.domain.facts import Start, TimerKind
from flowrun.domain.json import JsonObject
from flowrun.errors import ConflictError, FlowrunError, TooManyRequestsError, UnavailableError
from flowrun.persistence import tables as t
from flowrun.ports import Context

_log = logging.getLogger(__name__)

ERROR = "error"


class AlreadyStartedError(ConflictError):
    """The error workflow has been started before."""


async def follow(context: Context, execution_id: str, _key: RunKey | None) -> None:
    """Start it in the transaction that removes the timer, so that it starts once whatever happens in between."""
    failed = await context.engine.look(execution_id)
    once = partial(_remove_timer, execution_id)
    workflow_id = failed.graph.on_error
    if workflow_id is None:
        return
    body: JsonObject = {
        "workflow_id": failed.graph.workflow_id,
        "execution_id": execution_id,
        "status": failed.status.value,
        "error": failed.error,
    }
    trigger: JsonObject = {"type": ERROR, "body": body, "depth": chain_depth(failed.trigger) + 1}
    try:
        graph = await context.graphs.get(failed.tenant_id, workflow_id)
        node = next((node for node in graph.triggers if node.type.name == ERROR), None) or graph.trigger(None)
        start = Start(node.id, trigger, by=f"execution {execution_id}")
        await context.engine.start(graph, failed.tenant_id, start, also=once)
    except AlreadyStartedError:
        _log.info("The error workflow of %s has been started before", execution_id)
    except (UnavailableError, TooManyRequestsError):
        raise  # The timer stands, and fires again.
    except FlowrunError as error:
        _log.error("The error workflow %s of %s cannot start: %s", workflow_id, execution_id, error)
        await context.writer.transact(once)


def _remove_timer(execution_id: str, connection: Connection) -> None:
    timer = t.timers
    key = (timer.c.execution_id == execution_id) & (timer.c.kind == TimerKind.ERROR_WORKFLOW.value)
    if connection.execute(timer.delete().where(key)).rowcount != 1:
        raise AlreadyStartedError
