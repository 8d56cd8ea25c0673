"""What several documents share: times, cursors, tenants that exist."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any, Protocol

from sqlalchemy import ColumnElement, RowMapping, Select, select

from flowrun.domain.failure import rfc3339
from flowrun.domain.json import JsonObject
from flowrun.errors import InvalidInputError, Issue, NotFoundError
from flowrun.persistence import tables as t
from flowrun.ports import Context

LONGEST_PAGE = 200


def time(at: int | None) -> str | None:
    """Milliseconds since the epoch as RFC 3339."""
    return None if at is None else rfc3339(at)


def seconds(begin: int | None, end: int | None) -> float | None:
    """How long something took; None while it hasn't ended or hadn't begun."""
    return None if begin is None or end is None else (end - begin) / 1000


def first_id(at: int) -> str:
    """The lowest id that a thing made at that time (ms) can have: a UUIDv7 begins with the millisecond."""
    digits = f"{max(at, 0):012x}"
    return f"{digits[:8]}-{digits[8:]}"


def cursor_after(last: str) -> str:
    """The opaque text that asks for what follows `last`."""
    return base64.urlsafe_b64encode(last.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> str:
    """The id behind a cursor; raises `InvalidInputError` for one that was not given out."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        issue = Issue("cursor", "is not one that was given out: take it from `next` as it is")
        raise InvalidInputError("The cursor is not valid", [issue]) from None


def check_limit(limit: int, most: int = LONGEST_PAGE) -> None:
    """Raise `InvalidInputError` for a page that would be empty or too long."""
    if not 1 <= limit <= most:
        raise InvalidInputError("The page is not valid", [Issue("limit", f"must be from 1 to {most:,}")])


class PageQuery(Protocol):
    """A query for a page of what a tenant has."""

    @property
    def tenant_id(self) -> str:
        """The tenant."""

    @property
    def limit(self) -> int:
        """How many at most."""

    @property
    def cursor(self) -> str | None:
        """What `next` of the page before said."""


async def tenant_page(
    context: Context,
    query: PageQuery,
    statement: Select[Any],
    column: ColumnElement[str],
    document: Callable[[RowMapping], JsonObject],
) -> JsonObject:
    """A page in the order of a unique column, as `{items, next}`.

    Raises `NotFoundError` for an unknown tenant, `InvalidInputError` for a foreign cursor.
    """
    if query.cursor is not None:
        statement = statement.where(column > read_cursor(query.cursor))
    rows = await context.reader.all(statement.order_by(column).limit(query.limit + 1))
    if not rows:
        await require_tenant(context, query.tenant_id)
    shown = rows[: query.limit]
    following = cursor_after(shown[-1][column.key or ""]) if len(rows) > query.limit else None
    return {"items": [document(row) for row in shown], "next": following}


async def require_tenant(context: Context, tenant_id: str) -> None:
    """Raise `NotFoundError` when there is no such tenant."""
    row = await context.reader.first(select(t.tenants.c.id).where(t.tenants.c.id == tenant_id))
    if row is None:
        raise NotFoundError(f"There is no tenant {tenant_id}")
