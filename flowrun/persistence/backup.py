"""A copy of the database as it was at one moment, taken while a service works on it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from flowrun.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from flowrun.persistence.durable import new_draft, put_in_place, sync
from flowrun.persistence.inspection import Inspected, inspect_file

Watch = Callable[[int, int], None]
"""Told now and then of the bytes that are done, and of all."""

_BESIDE = ("flowrun.lock", "flowrun.sock", "encryption.key")
_MAGIC = b"SQLite format 3\x00"
_STEPS_BETWEEN_LOOKS = 200
"""Of SQLite's machine: some forty rows, each of which may be large."""
_SYNC_BYTES = 4 << 20
_LONGEST_REST = 0.2
_MARGIN = 16 << 20
"""Bytes that a copy must leave free on the disk."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that has been taken and checked."""

    path: Path
    size: int
    """Bytes."""
    seconds: float
    contents: Inspected


def back_up(database: Path, target: Path, *, replace: bool = False, watch: Watch = lambda _done, _all: None) -> Backup:
    """Copy the database to the target: every commit before now is in it, and it is checked before it has its name.

    Raises `NotFoundError`, `ConflictError` when the target exists and may not be replaced, `UnavailableError` when
    the disk doesn't take it, and `InvalidInputError` when the database is damaged.
    """
    _require_target(database, target, replace=replace)
    began = time.monotonic()
    draft = _draft(target)
    try:
        _copy(database, draft, watch)
        contents = inspect_file(draft)
        put_in_place(draft, target)
    finally:
        for left in (draft, draft.with_name(f"{draft.name}-journal")):
            left.unlink(missing_ok=True)
    return Backup(target, target.stat().st_size, time.monotonic() - began, contents)


def _require_target(database: Path, target: Path, *, replace: bool) -> None:
    if not database.is_file():
        raise NotFoundError(f"There is no database {database} to back up; --data-dir says where it is")
    own = {database.with_name(database.name + end).absolute().resolve() for end in ("", "-wal", "-shm")}
    if target.absolute().resolve() in own:
        raise ConflictError(f"{target} is the database itself")
    if target.absolute().resolve() in {database.with_name(name).absolute().resolve() for name in _BESIDE}:
        raise ConflictError(f"{target} is the service's own: it is not replaced")
    if target.is_file() and target.stat().st_size and not _is_database(target):
        raise ConflictError(f"{target} is no database: it is not replaced")
    if target.is_dir():
        raise InvalidInputError(f"{target} is a directory; name a file")
    if target.exists() and not replace:
        raise ConflictError(f"{target} exists; --force replaces it")


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _draft(target: Path) -> Path:
    try:
        return new_draft(target)
    except OSError as error:
        raise UnavailableError(f"{target} cannot be written: {error.strerror or error}") from None


def _copy(database: Path, draft: Path, watch: Watch) -> None:
    # VACUUM INTO reads one moment in one go, where SQLite's backup interface begins again at every foreign commit,
    # and a connection that cannot write neither checkpoints nor resets the WAL: that is the service's alone.
    source = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    with closing(source):
        try:
            expected = _used_bytes(source)
            _require_room(draft.parent, expected)
            source.set_progress_handler(_Looks(draft, expected, watch), _STEPS_BETWEEN_LOOKS)
            source.execute("VACUUM INTO ?", (str(draft),))
        except sqlite3.DatabaseError as error:
            raise _translated(error, database) from None


class _Looks:
    """What SQLite calls while it copies: tells how far it is, and hands what is done over to the disk."""

    def __init__(self, draft: Path, expected: int, watch: Watch) -> None:
        self._draft, self._expected, self._watch = draft, expected, watch
        self._synced = 0

    def __call__(self) -> None:
        size = self._draft.stat().st_size
        if size - self._synced > _SYNC_BYTES:
            # All of it at the end would hold up the commits of the service for as long as the disk takes; and then
            # the disk is theirs for as long.
            began = time.monotonic()
            sync(self._draft)
            time.sleep(min(time.monotonic() - began, _LONGEST_REST))
            self._synced = size
        self._watch(size, self._expected)


def _used_bytes(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _require_room(folder: Path, needed: int) -> None:
    state = os.statvfs(folder)
    free = state.f_bavail * state.f_frsize
    wanted = needed + _MARGIN
    if free < wanted:
        raise UnavailableError(
            f"The copy needs {wanted / (1 << 20):,.1f} MiB of {folder}, which has {free / (1 << 20):,.1f} MiB left"
        )


def _translated(error: sqlite3.DatabaseError, database: Path) -> Exception:
    if isinstance(error, sqlite3.OperationalError):
        return UnavailableError(f"The backup cannot be taken: {error}")
    return InvalidInputError(f"{database} is damaged: {error}. `flowrun restore` brings back a backup")
