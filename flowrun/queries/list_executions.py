"""The executions of a tenant, newest first, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, RowMapping, Select, func, select, union_all

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.domain.states import ExecutionStatus
from flowrun.persistence import tables as t
from flowrun.ports import Context
from flowrun.queries.documents import check_limit, cursor_after, read_cursor, require_tenant
from flowrun.queries.get_execution import SUMMARY, node_types, progress_of, summary

_MOST_BRANCHES = 60
"""SELECTs in one statement; beyond it a filter is looked at row by row."""
_ID_CHARACTERS = frozenset("0123456789abcdef-")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListExecutions(Query[JsonObject]):
    """A page of executions; `{items, next}`, `next` None on the last one.

    `since` and `until` are ms since the epoch, `q` is the beginning of an id or a part of a workflow's id.
    """

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    status: tuple[ExecutionStatus, ...] = ()
    workflow_id: str | None = None
    since: int | None = None
    until: int | None = None
    q: str | None = None
    limit: int = 50
    cursor: str | None = None
    progress: bool = False
    """Count each execution's node runs by state."""

    def check(self) -> None:
        """Refuse a page that is too long."""
        check_limit(self.limit)


async def handle(query: ListExecutions, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError` for an unknown tenant, `InvalidInputError` for a foreign cursor."""
    statement = page(query, await _workflows(query, context))
    rows = [] if statement is None else await context.reader.all(statement)
    if not rows:
        await require_tenant(context, query.tenant_id)
    # Branches of `q` may find an execution twice.
    newest = list({row["id"]: row for row in sorted(rows, key=lambda row: row["id"], reverse=True)}.values())
    shown = newest[: query.limit]
    items = [summary(row) for row in shown]
    if query.progress and items:
        await _add_progress(items, shown, context)
    more = len(newest) > query.limit
    return {"items": list(items), "next": cursor_after(shown[-1]["id"]) if more else None}


async def _workflows(query: ListExecutions, context: Context) -> list[str] | None:
    """The workflows that `q` may mean; None without `q`."""
    if not query.q:
        return None
    table = t.workflow_versions
    named = table.c.workflow_id.contains(query.q, autoescape=True)
    found = select(table.c.workflow_id).where(table.c.tenant_id == query.tenant_id, named).distinct()
    return [row["workflow_id"] for row in await context.reader.all(found.limit(_MOST_BRANCHES))]


def page(query: ListExecutions, workflows: list[str] | None) -> Select[Any] | Any | None:  # noqa: ANN401
    """The statement for one page and one row more; None when nothing can match.

    Each combination of status and workflow is a SELECT of its own that walks one index from its newest end, so
    that a page costs the same whatever has piled up in other states.
    """
    table = t.executions
    within: list[ColumnElement[bool]] = [table.c.tenant_id == query.tenant_id, *_id_range(query)]
    choices: list[list[ColumnElement[bool]]] = []
    if query.workflow_id is not None:
        within.append(table.c.workflow_id == query.workflow_id)
    if query.status:
        choices.append([table.c.status == status.value for status in query.status])
    if workflows is not None:
        by_name = [table.c.workflow_id == workflow for workflow in workflows]
        start = (query.q or "").lower()
        by_id = [table.c.id.between(start, f"{start}~")] if set(start) <= _ID_CHARACTERS else []
        choices.append([*by_name, *by_id])
    branches = list(product(*choices))
    selects = [_newest(select(*SUMMARY).where(*within, *branch), query.limit + 1) for branch in branches]
    if not selects:
        return None
    if len(selects) == 1:
        return selects[0]
    return union_all(*(select(one.subquery()) for one in selects[:_MOST_BRANCHES]))


def _newest(statement: Select[Any], limit: int) -> Select[Any]:
    return statement.order_by(t.executions.c.id.desc()).limit(limit)


def _id_range(query: ListExecutions) -> list[ColumnElement[bool]]:
    """Times as ids: a UUIDv7 begins with the millisecond of its creation."""
    column, found = t.executions.c.id, []
    if query.since is not None:
        found.append(column >= _first_id(query.since))
    if query.until is not None:
        found.append(column < _first_id(query.until))
    if query.cursor is not None:
        found.append(column < read_cursor(query.cursor))
    return found


def _first_id(at: int) -> str:
    digits = f"{max(at, 0):012x}"
    return f"{digits[:8]}-{digits[8:]}"


async def _add_progress(items: list[JsonObject], rows: list[RowMapping], context: Context) -> None:
    table = t.node_executions
    query = select(table.c.execution_id, table.c.status, func.count().label("count"))
    query = query.where(table.c.execution_id.in_([row["id"] for row in rows]))
    counts: dict[str, list[tuple[str, int]]] = {}
    for found in await context.reader.all(query.group_by(table.c.execution_id, table.c.status)):
        counts.setdefault(found["execution_id"], []).append((found["status"], found["count"]))
    for item, row in zip(items, rows, strict=True):
        item["progress"] = progress_of(counts.get(row["id"], []), len(await node_types(context, row)))
