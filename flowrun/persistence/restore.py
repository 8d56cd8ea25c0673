"""Putting a backup in the place of the database, which is kept."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from flowrun.errors import ConflictError, UnavailableError
from flowrun.persistence.durable import new_draft, put_in_place, sync
from flowrun.persistence.inspection import connect_reading, inspect_file

_PAGES = 2048
"""How many pages are copied between two calls of `watch`."""
_SIDE_FILES = ("-wal", "-shm")


def restore(backup: Path, database: Path, *, now: datetime, watch: Callable[[int, int], None]) -> Path | None:
    """Let the database be the backup; gives where the one before is kept, None when there was none.

    The caller holds the data directory's lock, and has inspected the backup. Until the last step, which is a rename,
    the database is as it was. Raises `ConflictError` and `UnavailableError`, and `InvalidInputError` when the
    copy turns out to be damaged.
    """
    if database.exists() and backup.samefile(database):
        raise ConflictError(f"{backup} is the database itself")
    try:
        draft = new_draft(database)
    except OSError as error:
        raise UnavailableError(f"{database.parent} cannot be written to: {error.strerror or error}") from None
    try:
        _copy(backup, draft, _epoch(database), watch)
        inspect_file(draft, check="quick_check")
        sync(draft)
        kept = _keep(database, now) if database.exists() else None
        # What belongs to the old file must not be read into the new one.
        for end in _SIDE_FILES:
            database.with_name(database.name + end).unlink(missing_ok=True)
        put_in_place(draft, database)
    except (sqlite3.Error, OSError) as error:
        raise UnavailableError(f"The backup cannot be restored: {error}; the database is as it was") from error
    finally:
        for left in (draft, draft.with_name(f"{draft.name}-journal")):
            left.unlink(missing_ok=True)
    return kept


def _copy(backup: Path, draft: Path, epoch: int, watch: Callable[[int, int], None]) -> None:
    with closing(connect_reading(backup)) as source, closing(sqlite3.connect(draft)) as copy:
        source.backup(copy, pages=_PAGES, progress=lambda _status, left, every: watch(every - left, every), sleep=0)
        copy.execute("PRAGMA journal_mode=DELETE")  # One file, until the service opens it.
        # Streams tell processes apart by it: a number must not come twice.
        copy.execute("UPDATE instance SET boot_epoch = max(boot_epoch, ?)", (epoch,))
        copy.commit()


def _epoch(database: Path) -> int:
    """How often the present database was started on; 0 when it cannot tell."""
    with suppress(sqlite3.Error, TypeError), closing(connect_reading(database)) as connection:
        return int(connection.execute("SELECT boot_epoch FROM instance").fetchone()[0])
    return 0


def _keep(database: Path, now: datetime) -> Path:
    """Give the present database a second name; a WAL that cannot be folded into it is kept beside it."""
    kept = database.with_name(f"{database.name}.before-restore-{now:%Y%m%dT%H%M%S}")
    if kept.exists():
        raise ConflictError(f"{kept} exists; try again in a second")
    with suppress(sqlite3.Error), closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for end in ("", "-wal"):
        file = database.with_name(database.name + end)
        if file.exists():
            _name_twice(file, kept.with_name(kept.name + end))
    sync(database.parent)
    return kept


def _name_twice(file: Path, other: Path) -> None:
    try:
        other.hardlink_to(file)
    except OSError:  # A file system without hard links.
        shutil.copy2(file, other)
        sync(other)
