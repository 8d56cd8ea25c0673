"""The delivery log: what became of every request at every webhook that it reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert

from flowrun.domain.json import JsonObject
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import dump
from flowrun.ports import Context, RouteMatch

TABLE = t.webhook_events.name
_COLUMNS = tuple(column.name for column in t.webhook_events.columns)
_LONGEST_REASON = 500


class Outcome(StrEnum):
    """What became of a delivery at one webhook."""

    STARTED = "started"
    FILTERED = "filtered"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    """The sender could not prove who it is, or sent what cannot be read, or too much of it."""
    FAILED = "failed"
    """Its filter, mapping or key could not be evaluated, its workflow is gone, or a limit forbade it to start."""


@dataclass(slots=True)
class LogEntry:
    """One row of the log. `trigger` is kept only where no execution holds it."""

    match: RouteMatch
    outcome: Outcome
    received_at: int
    """Milliseconds since the epoch."""
    event_type: str = "request"
    reason: str | None = None
    execution_id: str | None = None
    key: str | None = None
    trigger: JsonObject | None = None

    def row(self, event_id: str) -> tuple[Any, ...]:
        """The values in the order of the table's columns."""
        match = self.match
        return (
            match.webhook_id,
            event_id,
            match.tenant_id,
            None if match.proof is None else match.proof.channel_id,
            self.event_type,
            self.key,
            self.outcome.value,
            None if self.reason is None else self.reason[:_LONGEST_REASON],
            self.execution_id,
            None if self.trigger is None else dump(self.trigger),
            self.received_at,
        )


async def log(context: Context, entries: Sequence[LogEntry]) -> None:
    """Write entries of deliveries that started nothing; those that did go with their execution's own commit."""
    rows = [dict(zip(_COLUMNS, entry.row(context.new_id()), strict=True)) for entry in entries]

    def change(connection: Connection) -> None:
        connection.execute(insert(t.webhook_events), rows)

    await context.writer.transact(change)
