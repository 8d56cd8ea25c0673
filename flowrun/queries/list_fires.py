"""What became of a schedule's times, the latest first, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.errors import InvalidInputError, Issue
from flowrun.persistence import tables as t
from flowrun.ports import Context
from flowrun.queries.documents import check_limit, cursor_after, read_cursor, time
from flowrun.queries.schedule_document import schedule_row
from flowrun.triggers.schedules.policy import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFires(Query[JsonObject]):
    """A page of decided times; `{items, next}`, `next` None on the last one."""

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    schedule_id: str
    decisions: tuple[Decision, ...] = ()
    limit: int = 50
    cursor: str | None = None

    def check(self) -> None:
        """Refuse a page that is too long."""
        check_limit(self.limit)


async def handle(query: ListFires, context: Context, _principal: Principal) -> JsonObject:
    """Raises `NotFoundError` for an unknown schedule, `InvalidInputError` for a foreign cursor."""
    await schedule_row(context, query.tenant_id, query.schedule_id)
    table = t.schedule_fires
    statement = select(table).where(table.c.schedule_id == query.schedule_id)
    if query.decisions:
        statement = statement.where(table.c.decision.in_([decision.value for decision in query.decisions]))
    if query.cursor is not None:
        statement = statement.where(table.c.scheduled_at < _time(query.cursor))
    rows = await context.reader.all(statement.order_by(table.c.scheduled_at.desc()).limit(query.limit + 1))
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return {
        "items": [_document(row) for row in shown],
        "next": cursor_after(str(shown[-1]["scheduled_at"])) if more else None,
    }


def _time(cursor: str) -> int:
    text = read_cursor(cursor)
    if not text.isdecimal():
        issue = Issue("cursor", "is not one that was given out: take it from `next` as it is")
        raise InvalidInputError("The cursor is not valid", [issue])
    return int(text)


def _document(row: Mapping[Any, Any]) -> JsonObject:
    return {
        "scheduled_at": time(row["scheduled_at"]),
        "through": time(row["through_at"]),
        "decision": row["decision"],
        "reason": row["reason"],
        "execution_id": row["execution_id"],
        "decided_at": time(row["decided_at"]),
    }
