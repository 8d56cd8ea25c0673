"""Columns of tables, and the room that they have."""

from __future__ import annotations

import pytest

from tui.widgets.cells import Column, fitted

COLUMNS = (
    Column("ST", 2),
    Column("ID", 6),
    Column("NAME", least=10),
    Column("AT", 8, drop=20),
    Column("TOOK", 9, drop=15),
)


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (80, "ST ID NAME AT TOOK"),
        (43, "ST ID NAME AT TOOK"),
        (42, "ST ID NAME TOOK"),
        (33, "ST ID NAME TOOK"),
        (32, "ST ID NAME"),
    ],
)
def test_a_column_is_shown_whole_or_not_at_all(width, shown):
    found = fitted(COLUMNS, width)
    assert " ".join(column.title for _, column, _ in found) == shown
    assert sum(room for _, _, room in found) + 2 * (len(found) - 1) <= width
