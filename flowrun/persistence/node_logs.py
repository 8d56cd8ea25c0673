"""The rows of what nodes have logged: one for each batch of lines, numbered over all attempts of a node run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, literal, select

from flowrun.persistence import tables as t
from flowrun.persistence.json_text import dump, load

Line = tuple[int, str]
"""The time in ms, and the text."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What an attempt has logged since its last batch."""

    key: tuple[str, str, str]
    """Execution, node and iteration."""
    attempt: int
    lines: Sequence[Line]


def write_logs(connection: Connection, batches: Sequence[Batch]) -> None:
    """Add batches to their logs. The numbers go on where the log ends: an attempt that was lost may have written."""
    table = t.node_logs
    columns = [column.name for column in table.columns]
    for batch in batches:
        execution, node, iteration = batch.key
        mine = (table.c.execution_id == execution, table.c.node_id == node, table.c.iteration == iteration)
        last = func.coalesce(func.max(table.c.seq), 0) + len(batch.lines)
        before, after = (execution, node, iteration), (batch.attempt, dump(batch.lines))
        row = select(*map(literal, before), last, *map(literal, after)).where(*mine)
        connection.execute(insert(table).from_select(columns, row))


def numbered_lines(row: Mapping[Any, Any]) -> list[tuple[int, int, str]]:
    """The lines of a row as number, time in ms and text."""
    lines = load(row["lines"])
    first = row["seq"] - len(lines) + 1
    return [(first + place, at, text) for place, (at, text) in enumerate(lines)]
