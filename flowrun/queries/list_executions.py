"""Executions of a tenant, or of all, newest first, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Select, func, select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.domain.states import ExecutionStatus
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import dump
from flowrun.ports import Context
from flowrun.queries.documents import check_limit, cursor_after, first_id, read_cursor, require_tenant
from flowrun.queries.get_execution import SUMMARY, summary
from flowrun.queries.list_progress import add_progress

_MOST_NAMED = 30
"""Workflows that `q` may name for each to be looked at by itself."""
_MOST_TENANTS = 500
"""Tenants, or workflows of one name, that are looked at each by itself."""
_X = t.executions.alias("x")
_ID_CHARACTERS = frozenset("0123456789abcdef-")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListExecutions(Query[JsonObject]):
    """A page of a tenant's executions; `{items, next}`, `next` None on the last one.

    `since` and `until` are ms since the epoch, `q` is the beginning of an id or a part of a workflow's id.
    """

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str | None
    status: tuple[ExecutionStatus, ...] = ()
    workflow_id: str | None = None
    since: int | None = None
    until: int | None = None
    q: str | None = None
    limit: int = 50
    cursor: str | None = None
    progress: bool = False
    """Say how far each execution's nodes have come."""

    def check(self) -> None:
        """Refuse a page that is too long."""
        check_limit(self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAllExecutions(ListExecutions):
    """A page of every tenant's."""

    operator_only: ClassVar[bool] = True
    tenant_id: None = None


async def handle(query: ListExecutions, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError` for an unknown tenant, `InvalidInputError` for a foreign cursor."""
    rows = [row for statement in await statements(query, context) for row in await context.reader.all(statement)]
    if not rows and query.tenant_id is not None:
        await require_tenant(context, query.tenant_id)
    # `q` may find an execution by its id and by its workflow.
    newest = list({row["id"]: row for row in sorted(rows, key=lambda row: row["id"], reverse=True)}.values())
    shown = newest[: query.limit]
    items = [summary(row) for row in shown]
    if query.progress and items:
        await add_progress(items, shown, context)
    more = len(newest) > query.limit
    return {"items": list(items), "next": cursor_after(shown[-1]["id"]) if more else None}


async def statements(query: ListExecutions, context: Context) -> list[Select[Any]]:
    """The statements that together find one page and one row more."""
    within = _id_range(query)
    if not query.q:
        return [_newest(query, await _pairs(query, context), within)]
    found = []
    start, column = query.q.lower(), _X.c.id
    if set(start) <= _ID_CHARACTERS:
        found.append(_newest(query, await _pairs(query, context), [*within, column.between(start, f"{start}~")]))
    named = await _named(query, context)
    if len(named) > _MOST_NAMED:
        # What so many workflows are called is soon found by going through the executions.
        by_name = _X.c.workflow_id.contains(query.q, autoescape=True)
        found.append(_newest(query, await _pairs(query, context), [*within, by_name]))
    elif named:
        found.append(_newest(query, named, within))
    return found


_Pairs = Sequence[tuple[str, str | None]]
"""A tenant and a workflow, None for each."""


async def _pairs(query: ListExecutions, context: Context) -> _Pairs | None:
    """Whose executions are looked for; None: the order of all of them is as good as any."""
    if query.tenant_id is not None:
        plain = query.workflow_id is None and not query.status
        return None if plain else [(query.tenant_id, query.workflow_id)]
    if query.workflow_id is not None:
        return await _named(query, context)
    if not query.status:
        return None
    tenants = await context.reader.all(select(t.tenants.c.id).limit(_MOST_TENANTS + 1))
    return None if len(tenants) > _MOST_TENANTS else [(row["id"], None) for row in tenants]


async def _named(query: ListExecutions, context: Context) -> _Pairs:
    """The workflows that the filter or `q` may mean, also deleted ones."""
    table = t.workflow_versions
    found = select(table.c.tenant_id, table.c.workflow_id).distinct()
    if query.tenant_id is not None:
        found = found.where(table.c.tenant_id == query.tenant_id)
    if query.workflow_id is not None:
        found = found.where(table.c.workflow_id == query.workflow_id)
    if query.q:
        found = found.where(table.c.workflow_id.contains(query.q, autoescape=True))
    rows = await context.reader.all(found.limit(_MOST_TENANTS))
    return [(row["tenant_id"], row["workflow_id"]) for row in rows]


def _newest(query: ListExecutions, pairs: _Pairs | None, conditions: list[ColumnElement[bool]]) -> Select[Any]:
    """The newest that meet the conditions.

    Every combination of tenant, workflow and state is the beginning of an index that ends with the id: of each the
    newest are found there, and of those the newest. So a page costs the same whatever has piled up elsewhere.
    """
    count = query.limit + 1
    if pairs is None:
        mine = [] if query.tenant_id is None else [_X.c.tenant_id == query.tenant_id]
        states = [_X.c.status.in_([status.value for status in query.status])] if query.status else []
        found = select(*(_X.c[column.name] for column in SUMMARY)).where(*mine, *states, *conditions)
        return found.order_by(_X.c.id.desc()).limit(count)
    wanted = (
        func.json_each(dump([*map(list, _combinations(query, pairs))]))
        .table_valued("value", joins_implicitly=True)
        .alias("wanted")
    )
    ids = select(_X.c.id).where(_X.c.tenant_id == func.json_extract(wanted.c.value, "$[0]"), *conditions)
    if any(workflow is not None for _, workflow in pairs):
        ids = ids.where(_X.c.workflow_id == func.json_extract(wanted.c.value, "$[1]"))
    ids = ids.where(_X.c.status == func.json_extract(wanted.c.value, "$[2]"))
    of_one = ids.order_by(_X.c.id.desc()).limit(count).correlate(wanted).subquery()
    # As one value of each combination: so the rows themselves are read of those alone that are shown.
    gathered = select(func.json_group_array(of_one.c.id)).scalar_subquery()
    each = func.json_each(gathered).table_valued("value", joins_implicitly=True).alias("each")
    shown = select(each.c.value).select_from(wanted, each).order_by(each.c.value.desc()).limit(count)
    return select(*SUMMARY).where(t.executions.c.id.in_(shown)).order_by(t.executions.c.id.desc())


def _combinations(query: ListExecutions, pairs: _Pairs) -> Iterator[tuple[str, str | None, str]]:
    for (tenant, workflow), status in product(pairs, query.status or ExecutionStatus):
        yield tenant, workflow, status.value


def _id_range(query: ListExecutions) -> list[ColumnElement[bool]]:
    """Times as ids: a UUIDv7 begins with the millisecond of its creation."""
    found: list[ColumnElement[bool]] = []
    if query.since is not None:
        found.append(_X.c.id >= first_id(query.since))
    if query.until is not None:
        found.append(_X.c.id < first_id(query.until))
    if query.cursor is not None:
        found.append(_X.c.id < read_cursor(query.cursor))
    return found
