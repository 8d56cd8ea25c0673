"""A disk that is full while a file says so: SQLite gets no further page."""

from __future__ import annotations

from pathlib import Path

from flowrun.persistence.writer import GroupWriter

NO_LIMIT = 0xFFFFFFFE


def install(file: str) -> None:
    """Look before every transaction whether the file is there."""
    write, path = GroupWriter._write, Path(file)
    full = False

    def written(connection, group):
        nonlocal full
        if path.exists() != full:
            full = not full
            # SQLite takes the present size instead of a smaller one.
            connection.exec_driver_sql(f"PRAGMA max_page_count={1 if full else NO_LIMIT}")
            connection.rollback()
        write(connection, group)

    GroupWriter._write = staticmethod(written)
