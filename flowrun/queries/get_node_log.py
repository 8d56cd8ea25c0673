"""What a node run has logged, while it runs and afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select

from flowrun.bus import Principal, Query, Scope
from flowrun.domain.json import JsonObject
from flowrun.domain.states import ACTIVE_NODE
from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t
from flowrun.persistence.node_logs import numbered_lines
from flowrun.ports import Context
from flowrun.queries.documents import check_limit, time
from flowrun.queries.get_execution import execution_row, node_types

_MOST = 1_000
_MOST_PROGRESS = 20
"""Runs of one execution whose progress is looked up: a loop may have thousands under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetNodeLog(Query[JsonObject]):
    """The lines after number `after`; `{items, next}`, `next` being the last number when there are more.

    Lines are numbered over all attempts of the node run. `iteration` is empty outside loops, `attempt` None is every
    attempt.
    """

    scope: ClassVar[Scope] = Scope.READ
    tenant_id: str
    execution_id: str
    node_id: str
    iteration: str = ""
    attempt: int | None = None
    after: int = 0
    limit: int = 200

    def check(self) -> None:
        """Refuse a page that is too long."""
        check_limit(self.limit, _MOST)


async def handle(query: GetNodeLog, context: Context, _principal: Principal) -> JsonObject:
    """A run that has logged nothing has an empty log; raises `NotFoundError` for a node that there isn't."""
    execution = await execution_row(context, query.tenant_id, query.execution_id)
    table = t.node_logs
    statement = select(table).where(
        table.c.execution_id == query.execution_id,
        table.c.node_id == query.node_id,
        table.c.iteration == query.iteration,
        table.c.seq > query.after,
    )
    if query.attempt is not None:
        statement = statement.where(table.c.attempt == query.attempt)
    # A row has a line or more, and is found by its last one.
    rows = await context.reader.all(statement.order_by(table.c.seq).limit(query.limit + 1))
    if not rows and query.node_id not in await node_types(context, execution):
        raise NotFoundError(f"The execution {query.execution_id} has no node {query.node_id}")
    lines: list[JsonObject] = [
        {"seq": seq, "at": time(at), "attempt": row["attempt"], "text": text}
        for row in rows
        for seq, at, text in numbered_lines(row)
        if seq > query.after
    ]
    shown = lines[: query.limit]
    return {"items": list(shown), "next": shown[-1]["seq"] if len(lines) > query.limit else None}


async def add_progress(context: Context, execution_id: str, runs: Sequence[JsonObject]) -> None:
    """Give the documents of node runs that are under way the last line that each has logged, as `progress`."""
    table = t.node_logs
    for run in [run for run in runs if run["status"] in ACTIVE_NODE][:_MOST_PROGRESS]:
        mine = (
            table.c.execution_id == execution_id,
            table.c.node_id == run["node_id"],
            table.c.iteration == run["iteration"],
        )
        row = await context.reader.first(select(table).where(*mine).order_by(table.c.seq.desc()).limit(1))
        if row is not None and row["attempt"] == run["attempt"]:
            run["progress"] = numbered_lines(row)[-1][2]
