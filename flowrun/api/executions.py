"""Executions: start, look at, command."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from flowrun.api.operation import PAGE, PAGED, Call, Operation, Param
from flowrun.api.replies import JsonReply, execution_url, page
from flowrun.bus import Scope
from flowrun.commands.bulk_executions import MOST, BulkAction, BulkExecutions
from flowrun.commands.delete_execution import DeleteExecution
from flowrun.commands.execution_commands import (
    CancelExecution,
    ExecutionCommand,
    PauseExecution,
    ResumeExecution,
    RetryExecution,
    SignalExecution,
    SkipNode,
    TerminateExecution,
)
from flowrun.commands.rerun_execution import RerunExecution, RerunVersion
from flowrun.commands.start_execution import StartExecution
from flowrun.domain.json import JsonObject
from flowrun.domain.states import ExecutionStatus
from flowrun.errors import ForbiddenError, InvalidInputError, Issue
from flowrun.queries.get_execution import GetExecution
from flowrun.queries.get_history import GetHistory
from flowrun.queries.get_node_run import GetNodeRun
from flowrun.queries.list_executions import ListAllExecutions, ListExecutions
from flowrun.queries.list_node_runs import ListNodeRuns
from flowrun.queries.list_waits import ListWaits

_LONGEST_WAIT = 300
_TENANT = "/api/v1/tenants/{tenant}"
_ONE = _TENANT + "/executions/{execution}"
_STATES = tuple(status.value for status in ExecutionStatus)
_WAIT = Param("wait", "number", f"Seconds to wait for the result, {_LONGEST_WAIT} at most.")
_REASON = Param("reason", "string", "Why; kept in the history.")
_STARTED = {202: "`{execution_id, workflow_id, version, status_url}`.", 200: "With `wait`: the ended execution."}
_COMMANDED = {202: "`{execution_id, status}`; the status may still change.", 409: "The present state forbids it."}


async def start(call: Call) -> Response:
    """Start a workflow by hand."""
    message = StartExecution(
        tenant_id=call.path("tenant"),
        workflow_id=call.path("workflow"),
        input=call.body["input"],
        trigger=call.body["trigger"],
        version=call.body["version"],
        notify=_wait(call) > 0,
        idempotency_key=call.idempotency_key,
    )
    return await _started(call, await call.send(message))


async def rerun(call: Call) -> Response:
    """Run an execution again."""
    message = RerunExecution(
        tenant_id=call.path("tenant"),
        execution_id=call.path("execution"),
        from_node=call.body["from_node"],
        version=RerunVersion(call.body["version"]),
        input=call.body["input"],
        edited="input" in call.sent,
        notify=_wait(call) > 0,
        idempotency_key=call.idempotency_key,
    )
    return await _started(call, await call.send(message))


def _wait(call: Call) -> float:
    wait = float(call.query["wait"] or 0)
    if not 0 <= wait <= _LONGEST_WAIT:
        message = f"must be from 0 to {_LONGEST_WAIT}"
        raise InvalidInputError("The query parameters are not valid", [Issue("wait", message)])
    if wait > 0 and not call.principal.may(Scope.READ):
        # Before anything is started: a client that is refused afterwards would start it again.
        raise ForbiddenError("This key lacks the scope 'read', which `wait` needs")
    return wait


async def _started(call: Call, answer: JsonObject) -> Response:
    tenant_id, execution_id, wait = call.path("tenant"), str(answer["execution_id"]), _wait(call)
    url = execution_url(tenant_id, execution_id)
    if wait > 0:
        ending = await call.context.engine.ending(execution_id, response=False, timeout=wait)
        if ending is not None:
            document = await call.send(GetExecution(tenant_id=tenant_id, execution_id=execution_id))
            return JsonReply({**answer, "status_url": url, **document})
    return JsonReply({**answer, "status_url": url}, 202, headers={"location": url})


async def listing(call: Call) -> Response:
    """List a tenant's executions, newest first."""
    return page(call.request, await call.send(ListExecutions(tenant_id=call.path("tenant"), **_list_filter(call))))


async def listing_all(call: Call) -> Response:
    """List every tenant's executions, newest first."""
    return page(call.request, await call.send(ListAllExecutions(**_list_filter(call))))


def _list_filter(call: Call) -> dict[str, Any]:
    return {
        "status": tuple(ExecutionStatus(status) for status in call.query["status"]),
        "workflow_id": call.query["workflow"],
        "since": call.query["since"],
        "until": call.query["until"],
        "q": call.query["q"],
        "limit": call.query["limit"],
        "cursor": call.query["cursor"],
        "progress": call.query["progress"],
    }


async def show(call: Call) -> Response:
    """Show one execution."""
    return JsonReply(await call.send(GetExecution(tenant_id=call.path("tenant"), execution_id=call.path("execution"))))


async def delete(call: Call) -> Response:
    """Delete an ended execution."""
    await call.send(DeleteExecution(tenant_id=call.path("tenant"), execution_id=call.path("execution")))
    return Response(status_code=204)


async def nodes(call: Call) -> Response:
    """List the node runs of an execution."""
    query = ListNodeRuns(
        tenant_id=call.path("tenant"), execution_id=call.path("execution"), payload=call.query["payload"]
    )
    return JsonReply(await call.send(query))


async def node(call: Call) -> Response:
    """Show one node run."""
    query = GetNodeRun(
        tenant_id=call.path("tenant"),
        execution_id=call.path("execution"),
        node_id=call.path("node"),
        iteration=call.query["iteration"],
    )
    return JsonReply(await call.send(query))


async def history(call: Call) -> Response:
    """List the events of an execution."""
    query = GetHistory(
        tenant_id=call.path("tenant"),
        execution_id=call.path("execution"),
        after_seq=call.query["after"],
        limit=call.query["limit"],
    )
    return page(call.request, await call.send(query), "after")


async def skip(call: Call) -> Response:
    """Complete a stuck node with a given output."""
    message = SkipNode(
        tenant_id=call.path("tenant"),
        execution_id=call.path("execution"),
        node_id=call.path("node"),
        iteration=call.body["iteration"],
        output=call.body["output"],
        port=call.body["port"],
        idempotency_key=call.idempotency_key,
    )
    return JsonReply(await call.send(message), 202)


async def signal(call: Call) -> Response:
    """Send a signal."""
    message = SignalExecution(
        tenant_id=call.path("tenant"),
        execution_id=call.path("execution"),
        name=call.body["name"],
        node_id=call.body["node_id"],
        iteration=call.body["iteration"],
        data=call.body["data"],
        idempotency_key=call.idempotency_key,
    )
    return JsonReply(await call.send(message), 202)


async def waits(call: Call) -> Response:
    """List the signals that are waited for."""
    return JsonReply(await call.send(ListWaits(tenant_id=call.path("tenant"), execution_id=call.path("execution"))))


async def bulk(call: Call) -> Response:
    """Command many executions."""
    body = call.body
    message = BulkExecutions(
        tenant_id=call.path("tenant"),
        action=BulkAction(body["action"]),
        ids=tuple(body["ids"]),
        status=tuple(ExecutionStatus(status) for status in body["status"]),
        workflow_id=body["workflow"],
        since=body["since"],
        until=body["until"],
        times_as_sent=(call.sent.get("since"), call.sent.get("until")),
        reason=body["reason"],
        limit=body["limit"],
        idempotency_key=call.idempotency_key,
    )
    return JsonReply(await call.send(message))


def _command(name: str, kind: type[ExecutionCommand], summary: str, *, reason: bool = False) -> Operation:
    async def endpoint(call: Call) -> Response:
        values: dict[str, Any] = {"reason": call.body["reason"]} if reason else {}
        message = kind(
            tenant_id=call.path("tenant"),
            execution_id=call.path("execution"),
            idempotency_key=call.idempotency_key,
            **values,
        )
        return JsonReply(await call.send(message), 202)

    body = (_REASON,) if reason else ()
    return Operation("POST", f"{_ONE}/{name}", endpoint, summary, body=body, answers=_COMMANDED)


_FILTER = (
    Param("status", "strings", "Any of these states.", choices=_STATES, default=()),
    Param("workflow", "string", "The workflow's id."),
    Param("since", "time", "Created at or after this time."),
    Param("until", "time", "Created before this time."),
)
_LIST = (
    *_FILTER,
    Param("q", "string", "The beginning of an id, or a part of a workflow's id."),
    *PAGE,
    Param("progress", "boolean", "Say how far each execution's nodes have come.", default=False),
)
OPERATIONS = (
    Operation(
        "POST",
        _TENANT + "/workflows/{workflow}/executions",
        start,
        "Start a published workflow",
        query=(_WAIT,),
        body=(
            Param("input", "any", "What the workflow starts with."),
            Param("trigger", "string", "The trigger node to fire. Default: the manual one, else the first."),
            Param("version", "integer", "A version other than the current one."),
        ),
        answers=_STARTED,
    ),
    Operation(
        "GET",
        _TENANT + "/executions",
        listing,
        "List executions, newest first",
        query=_LIST,
        answers=PAGED,
    ),
    Operation(
        "GET",
        "/api/v1/executions",
        listing_all,
        "List the executions of all tenants, newest first (operator only)",
        query=_LIST,
        answers=PAGED,
    ),
    Operation("GET", _ONE, show, "Show an execution"),
    Operation(
        "DELETE",
        _ONE,
        delete,
        "Delete an ended execution, with its history, its node runs and their logs",
        answers={204: "It is gone.", 409: "It, or the execution that called it, has not ended."},
    ),
    Operation(
        "GET",
        _ONE + "/nodes",
        nodes,
        "List the node runs of an execution",
        query=(Param("payload", "boolean", "False leaves input and output out.", default=True),),
        answers={200: "`{items}`, in the order of the definition."},
    ),
    Operation(
        "GET",
        _ONE + "/nodes/{node}",
        node,
        "Show a node run",
        query=(Param("iteration", "string", "Which one, within a loop.", default=""),),
    ),
    Operation(
        "POST",
        _ONE + "/nodes/{node}/skip",
        skip,
        "Complete a stuck node with a given output",
        body=(
            Param("output", "any", "What the node gives."),
            Param("iteration", "string", "Which one, within a loop.", default=""),
            Param("port", "string", "Which edges follow, as `approved`; by default those that follow a success."),
        ),
        answers={**_COMMANDED, 422: "The node has no such port, or leaves by several and none is named."},
    ),
    Operation(
        "GET",
        _ONE + "/history",
        history,
        "List the events of an execution",
        query=(
            Param("after", "integer", "Only events with a higher number.", default=0),
            Param("limit", "integer", "How many, 1,000 at most.", default=200),
        ),
        answers=PAGED,
    ),
    _command("pause", PauseExecution, "Start no new node", reason=True),
    _command("resume", ResumeExecution, "Start nodes again"),
    Operation(
        "GET",
        _ONE + "/waits",
        waits,
        "The nodes that wait for a signal, and the address at which each can be answered",
        answers={200: "`{items}` with `{node_id, iteration, signal, form, since, due_at, resume_url}`."},
    ),
    Operation(
        "POST",
        _ONE + "/signal",
        signal,
        "Send a signal to the node that waits for it, or will",
        body=(
            Param("name", "string", "The signal's name; or give `node_id`."),
            Param("node_id", "string", "The node that it is for."),
            Param("iteration", "string", "Of a node in a loop: which iteration.", default=""),
            Param("data", "any", "What the node gets: any JSON, or what its form asks for."),
        ),
        answers={**_COMMANDED, 422: "No node waits for such a signal, or the data doesn't fit its form."},
    ),
    _command("cancel", CancelExecution, "Stop, letting running nodes stop by themselves", reason=True),
    _command("terminate", TerminateExecution, "Stop at once", reason=True),
    _command("retry", RetryExecution, "Let failed nodes run again"),
    Operation(
        "POST",
        _ONE + "/rerun",
        rerun,
        "Run an execution again as a new one",
        query=(_WAIT,),
        body=(
            Param("from_node", "string", "Use the results of every node again that this one doesn't lead to."),
            Param("version", "string", "Of the workflow.", choices=tuple(RerunVersion), default="original"),
            Param("input", "any", "Instead of the original's."),
        ),
        answers={**_STARTED, 202: "`{execution_id, workflow_id, version, rerun_of, status_url}`."},
    ),
    Operation(
        "POST",
        _TENANT + "/executions:bulk",
        bulk,
        "Command many executions",
        body=(
            Param("action", "string", "What to do.", required=True, choices=tuple(BulkAction)),
            Param("ids", "strings", "These executions.", default=()),
            *_FILTER,
            _REASON,
            Param("limit", "integer", f"How many, {MOST:,} at most.", default=MOST),
        ),
        answers={200: "`{matched, done, failed, more, results}`."},
    ),
)
