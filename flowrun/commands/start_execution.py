"""Starts an execution by hand: by the API or the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select

from flowrun.bus import Command, Principal, Scope
from flowrun.commands.idempotency import remember
from flowrun.commands.open_tenant import require_open
from flowrun.domain.definition import WorkflowStatus
from flowrun.domain.facts import Start
from flowrun.domain.failure import rfc3339
from flowrun.domain.graph import Node
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import ConflictError, InvalidInputError, Issue, NotFoundError
from flowrun.persistence import tables as t
from flowrun.ports import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class StartExecution(Command[JsonObject]):
    """Start a published workflow; `{execution_id, workflow_id, version}`.

    `trigger` names the trigger node, None is the manual one. `notify` lets `Engine.ending` miss nothing.
    """

    scope: ClassVar[Scope] = Scope.RUN
    keeps_own_answer: ClassVar[bool] = True
    tenant_id: str
    workflow_id: str
    input: JsonValue = None
    trigger: str | None = None
    version: int | None = None
    notify: bool = False


async def handle(message: StartExecution, context: Context, principal: Principal) -> JsonObject:
    """Start; raises `NotFoundError`, `ConflictError` unless it is published, `InvalidInputError` for the input."""
    require_open(context, message.tenant_id)
    version = await _version(message, context)
    graph = await context.graphs.get(message.tenant_id, message.workflow_id, version)
    node = graph.trigger(message.trigger)
    body = checked_input(node, message.input)
    now = context.clock.now()
    # `Start.input` stays None: the input is the trigger's body, and is stored once.
    trigger: JsonObject = {"type": "manual", "body": body, "received_at": rfc3339(now)}
    execution_id = context.new_id()
    answer: JsonObject = {"execution_id": execution_id, "workflow_id": graph.workflow_id, "version": graph.version}
    await context.engine.start(
        graph,
        message.tenant_id,
        Start(node.id, trigger, by=principal.name),
        execution_id=execution_id,
        also=remember(message, answer, now),
        notify=message.notify,
    )
    return answer


async def _version(message: StartExecution, context: Context) -> int:
    """The version to start: the current one, unless another is asked for."""
    table = t.workflows
    key = (table.c.tenant_id == message.tenant_id, table.c.id == message.workflow_id)
    row = await context.reader.first(select(table.c.status, table.c.version).where(*key))
    if row is None:
        raise NotFoundError(f"The tenant {message.tenant_id} has no workflow {message.workflow_id}")
    if row["status"] != WorkflowStatus.PUBLISHED:
        raise ConflictError(
            f"The workflow {message.workflow_id} is {row['status']}; only a published one can be started"
        )
    return int(row["version"]) if message.version is None else message.version


def checked_input(node: Node, given: JsonValue) -> JsonValue:
    """The input with the defaults of the trigger's declared inputs; raises `InvalidInputError` with every issue."""
    declared = node.deferred.get("inputs") if node.type.name == "manual" else None
    if not isinstance(declared, dict) or not declared:
        return given
    values = {} if given is None else given
    if not isinstance(values, dict):
        names = ", ".join(declared)
        raise InvalidInputError("The input is not valid", [Issue("input", f"must be an object with {names}")])
    filled, issues = dict(values), []
    for name, says in declared.items():
        rule = says if isinstance(says, dict) else {}
        if filled.get(name) is None and rule.get("default") is not None:
            filled[name] = rule["default"]
        issues += _input_issues(name, rule, filled)
    if issues:
        raise InvalidInputError("The input is not valid", issues)
    return filled


def _input_issues(name: str, rule: JsonObject, values: JsonObject) -> list[Issue]:
    value = values.get(name)
    if value is None:
        return [Issue(f"input.{name}", "is required")] if rule.get("required") is True else []
    kind = str(rule.get("type", "any"))
    fits, noun = _KINDS.get(kind, (lambda _value: True, ""))
    return [] if fits(value) else [Issue(f"input.{name}", f"must be {noun}")]


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_KINDS: dict[str, tuple[Callable[[JsonValue], bool], str]] = {
    "string": (lambda value: isinstance(value, str), "a text"),
    "number": (_is_number, "a number"),
    "integer": (lambda value: _is_number(value) and float(value).is_integer(), "a whole number"),  # type: ignore[arg-type]
    "boolean": (lambda value: isinstance(value, bool), "true or false"),
    "object": (lambda value: isinstance(value, dict), "an object"),
    "array": (lambda value: isinstance(value, list), "a list"),
}
