"""Looks into a database file without changing it: whether it is whole and ours, of which version, what it holds."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from flowrun.errors import InvalidInputError, NotFoundError
from flowrun.persistence.encryption import KEY_FILE, load_keyring
from flowrun.persistence.migrate import HEAD

_MAGIC = b"SQLite format 3\x00"
_OURS = frozenset({"alembic_version", "instance", "tenants", "workflows", "executions", "execution_events"})


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a flowrun database holds."""

    revision: str
    """Of its tables."""
    epoch: int
    executions: int
    unfinished: int
    key_ids: tuple[str, ...]
    """The keys that its secrets and channels are encrypted with."""
    salt: bytes


def connect_reading(path: Path) -> sqlite3.Connection:
    """A connection that cannot write; what a process has committed and not yet moved out of the WAL is seen, too."""
    wal = path.with_name(f"{path.name}-wal")
    # Without a WAL a file can be read where nothing can be created beside it, and is left alone.
    lone = "&immutable=1" if not wal.exists() else ""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{lone}", uri=True, isolation_level=None)


def inspect_file(path: Path, *, check: str = "integrity_check") -> Inspected:
    """Check a file that is at rest, and look into it; `check` is the pragma, `quick_check` leaves indexes out.

    Raises `NotFoundError`, and `InvalidInputError` that says why it cannot serve as a database of this version.
    """
    try:
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror or error}") from None
    if head != _MAGIC:
        raise InvalidInputError(f"{path} is no SQLite database")
    try:
        with closing(connect_reading(path)) as connection:
            require_whole(connection, path, check)
            return inspect(connection, path)
    except sqlite3.Error as error:
        raise InvalidInputError(f"{path} is damaged: {error}") from None


def require_whole(connection: sqlite3.Connection, path: Path, check: str) -> None:
    """Raise `InvalidInputError` with the first fault that SQLite finds."""
    fault = connection.execute(f"PRAGMA {check}(1)").fetchone()[0]
    if fault != "ok":
        raise InvalidInputError(f"{path} is damaged: {fault}")


def inspect(connection: sqlite3.Connection, path: Path) -> Inspected:
    """See `inspect_file`, without the check; reads one moment."""
    connection.execute("BEGIN")
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables >= _OURS:
            raise InvalidInputError(f"{path} is no flowrun database")
        revision = str(_one(connection, "SELECT version_num FROM alembic_version"))
        if revision > HEAD:
            raise InvalidInputError(
                f"{path} was written by a newer flowrun (tables {revision}; this one knows {HEAD}): use that version"
            )
        epoch, salt = connection.execute("SELECT boot_epoch, key_salt FROM instance").fetchone() or (0, None)
        return Inspected(
            revision=revision,
            epoch=epoch,
            executions=_one(connection, "SELECT count(*) FROM executions"),
            unfinished=_one(connection, "SELECT count(*) FROM executions WHERE finished_at IS NULL"),
            key_ids=tuple(
                key for (key,) in connection.execute("SELECT key_id FROM secrets UNION SELECT key_id FROM channels")
            ),
            salt=salt or b"",
        )
    finally:
        connection.execute("COMMIT")


def lost_keys(found: Inspected, configured: str | None, data_dir: Path) -> list[str]:
    """The ids of keys that something in it was encrypted with and that are not at hand. Makes no key.

    Raises `ConfigurationError` when the configured key is none.
    """
    if not found.key_ids:
        return []
    if configured is None and not (data_dir / KEY_FILE).exists():
        return list(found.key_ids)
    keyring = load_keyring(configured, data_dir, found.salt)
    return [key_id for key_id in found.key_ids if key_id not in keyring]


def _one(connection: sqlite3.Connection, query: str) -> int:
    value: int = connection.execute(query).fetchone()[0]
    return value
