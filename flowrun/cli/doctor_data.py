"""The part of `flowrun doctor` that looks into the data directory; it changes nothing unless it is told to."""

from __future__ import annotations

import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from flowrun.cli.doctor_workflows import reference_findings
from flowrun.cli.finding import OK, PROBLEM, WARNING, Finding
from flowrun.cli.output import spell_bytes, spell_count, spell_seconds
from flowrun.config import Settings
from flowrun.errors import FlowrunError
from flowrun.formats.duration import format_duration
from flowrun.persistence.database import DataLock
from flowrun.persistence.encryption import KEY_FILE
from flowrun.persistence.inspection import Inspected, connect_reading, inspect, lost_keys, require_whole

_LARGE_WAL_BYTES = 256 << 20
_OVERDUE_MS = 120_000
_LONG_WAIT_DAYS = 7
_FUTURE_MS = 120_000
_INCREMENTAL = 2
_RESTORE = "stop the service, keep the files, and bring back a backup with `flowrun restore`"


@dataclass(frozen=True, slots=True)
class _Data:
    """What the checks look at."""

    settings: Settings
    connection: sqlite3.Connection
    contents: Inspected
    runs: bool
    """Whether the service does."""
    now: int

    def one(self, query: str, *parameters: object) -> int:
        value: int | None = self.connection.execute(query, parameters).fetchone()[0]
        return value or 0


def data_findings(settings: Settings, *, runs: bool) -> Iterator[Finding]:
    """Check the database and what is beside it; `runs` says whether the service does."""
    yield _permissions(settings)
    path = settings.database_path
    try:
        with closing(connect_reading(path)) as connection:
            began = time.monotonic()
            require_whole(connection, path, "quick_check")
            contents = inspect(connection, path)
            took = spell_seconds(time.monotonic() - began)
            held = f"{spell_count(contents.executions, 'execution')}, {contents.unfinished:,} under way"
            yield Finding("database", OK, f"whole (checked in {took}); {held}")
            data = _Data(settings, connection, contents, runs, time.time_ns() // 1_000_000)
            for check in _CHECKS:
                yield check(data)
            yield from reference_findings(connection)
    except FlowrunError as error:
        yield Finding("database", PROBLEM, str(error), _RESTORE)
    except sqlite3.Error as error:
        yield Finding("database", PROBLEM, f"{path} cannot be read: {error}", _RESTORE)


def repaired(settings: Settings) -> Iterator[Finding]:
    """Put right what can be. Raises `ConfigurationError` while a service holds the data directory."""
    path = settings.database_path
    if not path.exists():
        return
    with DataLock(settings.data_dir):
        for file, mode in _open_to_others(settings):
            file.chmod(mode)
            yield Finding("fixed", OK, f"{file} is closed to other users")
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            if connection.execute("PRAGMA auto_vacuum").fetchone()[0] == _INCREMENTAL:
                return
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute("VACUUM")
        yield Finding("fixed", OK, f"{path} can shrink")


def _permissions(settings: Settings) -> Finding:
    found = [str(file) for file, _ in _open_to_others(settings)]
    if not found:
        return Finding("permissions", OK, "the data are closed to other users")
    return Finding("permissions", WARNING, f"other users can read {', '.join(found)}", "`flowrun doctor --fix`")


def _open_to_others(settings: Settings) -> list[tuple[Path, int]]:
    """Files that other users can get at, with the mode they should have."""
    key, found = settings.data_dir / KEY_FILE, []
    if key.exists() and _mode(key) & 0o077:
        found.append((key, 0o600))
    # A directory that nobody may enter protects what is in it.
    if _mode(settings.database_path.parent) & 0o077 and _mode(settings.database_path) & 0o077:
        found.append((settings.database_path, 0o600))
    return found


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _schema(data: _Data) -> Finding:
    from flowrun.persistence.migrate import HEAD  # noqa: PLC0415 - the one name

    if data.contents.revision == HEAD:
        return Finding("tables", OK, f"of this version ({HEAD})")
    older = f"of an older version ({data.contents.revision}; this one has {HEAD})"
    return Finding("tables", WARNING, older, "the next start brings them up to date, as does `flowrun migrate`")


def _wal(data: _Data) -> Finding:
    path = data.settings.database_path
    wal = path.with_name(f"{path.name}-wal")
    size = wal.stat().st_size if wal.exists() else 0
    if size > _LARGE_WAL_BYTES:
        advice = "something reads for very long, or the disk is slow; it is emptied once a minute when it can be"
        return Finding("WAL", WARNING, f"{spell_bytes(size)}", advice if data.runs else "the next start empties it")
    return Finding("WAL", OK, spell_bytes(size))


def _shrinks(data: _Data) -> Finding:
    free = data.one("PRAGMA freelist_count") * data.one("PRAGMA page_size")
    if data.one("PRAGMA auto_vacuum") != _INCREMENTAL:
        advice = "stop the service and run `flowrun doctor --fix`; it needs as much free disk as the file has"
        return Finding("file", WARNING, f"cannot shrink; {spell_bytes(free)} of it are free", advice)
    return Finding("file", OK, f"shrinks; {spell_bytes(free)} of it are free")


def _retention(data: _Data) -> Finding:
    settings = data.settings
    ages = {
        "executions": settings.keep_executions,
        "logs": settings.keep_logs,
        "conversations": settings.keep_conversations,
    }
    kept = [f"{name} {'forever' if age is None else format_duration(age)}" for name, age in ages.items()]
    size = "without a limit of size" if settings.keep_bytes is None else f"up to {spell_bytes(settings.keep_bytes)}"
    detail = f"keeps {', '.join(kept)}, {size}"
    if settings.keep_executions is None and settings.keep_bytes is None:
        return Finding("retention", WARNING, detail, "the file grows for ever: set keep_executions or keep_bytes")
    return Finding("retention", OK, detail)


def _key(data: _Data) -> Finding:
    settings = data.settings
    try:
        lost = lost_keys(data.contents, settings.encryption_key, settings.data_dir)
    except FlowrunError as error:
        return Finding("encryption key", PROBLEM, str(error))
    if lost:
        advice = f"bring back {settings.data_dir / KEY_FILE}, or set FLOWRUN_ENCRYPTION_KEY with both keys, old and new"
        return Finding("encryption key", PROBLEM, f"secrets need the key {', '.join(lost)}, which is not here", advice)
    return Finding("encryption key", OK, "opens every secret" if data.contents.key_ids else "nothing is encrypted yet")


def _clock(data: _Data) -> Finding:
    query = "SELECT created_at FROM executions ORDER BY id DESC LIMIT 1"
    row = data.connection.execute(query).fetchone()
    ahead = (row[0] - data.now) if row else 0
    if ahead > _FUTURE_MS:
        behind = f"is {spell_seconds(ahead / 1000)} behind the newest execution"
        return Finding("clock", PROBLEM, behind, "set the machine's clock: timers and schedules wait for it")
    return Finding("clock", OK, time.strftime("%Y-%m-%d %H:%M:%S %Z"))


def _schedules(data: _Data) -> Finding:
    late = data.now - _OVERDUE_MS
    query = "SELECT count(*) FROM schedules WHERE status = 'active' AND next_at < ?"
    overdue = data.one(query, late)
    active = data.one("SELECT count(*) FROM schedules WHERE status = 'active'")
    if not overdue:
        return Finding("schedules", OK, f"{active:,} active, none overdue")
    if not data.runs:
        advice = "the next start decides by each schedule's `misfire`"
        return Finding("schedules", WARNING, f"{overdue:,} of {active:,} are overdue", advice)
    advice = "`flowrun schedules list` shows them; the service's log says why"
    return Finding("schedules", PROBLEM, f"{overdue:,} of {active:,} are overdue", advice)


def _waiting(data: _Data) -> Finding:
    before = data.now - _LONG_WAIT_DAYS * 86_400_000
    query = (
        "SELECT status, count(*), min(id) FROM executions"
        " WHERE finished_at IS NULL AND created_at < ? GROUP BY status ORDER BY 1"
    )
    old = data.connection.execute(query, (before,)).fetchall()
    if not old:
        return Finding("executions", OK, f"none is under way for more than {_LONG_WAIT_DAYS} days")
    found = ", ".join(f"{count:,} {status} (the oldest is {first})" for status, count, first in old)
    advice = "`flowrun executions show ID` says what each waits for; `cancel` ends it"
    return Finding("executions", WARNING, f"for more than {_LONG_WAIT_DAYS} days: {found}", advice)


_CHECKS: tuple[Callable[[_Data], Finding], ...] = (
    _schema,
    _wal,
    _shrinks,
    _retention,
    _key,
    _clock,
    _schedules,
    _waiting,
)
