"""Opening a data directory: durability settings, the lock, migrations."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, select, text

import flowrun.persistence
from flowrun.errors import ConfigurationError
from flowrun.persistence import tables as t
from flowrun.persistence.database import DataLock, next_epoch, writing_engine
from flowrun.persistence.migrate import HEAD, migrate

CONVERSATION = {
    "tenant_id": "acme",
    "workflow_id": "w",
    "id": "c",
    "messages": "[]",
    "created_at": 1,
    "updated_at": 2,
}


def test_commits_survive_a_power_cut(tmp_path: Path) -> None:
    engine = writing_engine(tmp_path / "test.db")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    engine.dispose()


def test_the_files_are_closed_to_other_users_wherever_they_are(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    engine = writing_engine(tmp_path / "test.db")
    migrate(engine, tmp_path / "test.db")
    with engine.connect() as connection, connection.begin():
        next_epoch(connection)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    engine.dispose()
    assert modes == {"test.db": 0o600, "test.db-wal": 0o600, "test.db-shm": 0o600}


def test_migrations_give_exactly_the_tables(tmp_path: Path) -> None:
    engine = writing_engine(tmp_path / "test.db")
    migrate(engine, tmp_path / "test.db")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), t.metadata) == []
        without_rowid = text("SELECT name FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID%'")
        assert set(connection.scalars(without_rowid)) == {
            "executions", "node_executions", "execution_events", "jobs", "timers", "webhook_events", "schedule_fires",
            "events", "event_triggers", "event_deliveries", "node_logs",
        }  # fmt: skip
        assert connection.exec_driver_sql("PRAGMA auto_vacuum").scalar() == 2
    engine.dispose()


def test_a_file_that_is_no_database_is_told_plainly(tmp_path: Path) -> None:
    (tmp_path / "test.db").write_bytes(b"no database at all, however long it is looked at")
    engine = writing_engine(tmp_path / "test.db")
    with pytest.raises(
        ConfigurationError, match=r"test\.db cannot be opened: file is not a database; `flowrun doctor`"
    ):
        migrate(engine, tmp_path / "test.db")
    engine.dispose()


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(flowrun.persistence.__file__).parent / "migrations"))
    return config


def alembic_to(connection: Connection, revision: str) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def test_the_newest_migration_is_the_one_that_start_up_looks_for() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [HEAD]


def test_a_second_migration_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    engine = writing_engine(path)
    migrate(engine, path)
    with engine.begin() as connection:
        assert next_epoch(connection) == 1
    migrate(engine, path)
    with engine.begin() as connection:
        assert next_epoch(connection) == 2
    engine.dispose()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["test.db"]


def test_an_older_versions_database_is_copied_and_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    engine = writing_engine(path)
    with engine.begin() as connection:
        alembic_to(connection, "0001")
        connection.execute(insert(t.conversations).values(**CONVERSATION))
    migrate(engine, path)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), t.metadata) == []
        assert connection.execute(select(t.conversations)).mappings().all() == [CONVERSATION]
    engine.dispose()
    path = tmp_path / f"test.db.before-{HEAD}-from-0001"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with closing(sqlite3.connect(path)) as copy:
        assert copy.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
        assert copy.execute("SELECT id FROM conversations").fetchall() == [("c",)]


def test_a_newer_versions_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    engine = writing_engine(path)
    migrate(engine, path)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match="newer flowrun"):
        migrate(engine, path)
    engine.dispose()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


def test_a_second_process_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from flowrun.persistence.database import DataLock\n"
        "with DataLock(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ConfigurationError, match=rf"process {holder.pid}.*--data-dir"), DataLock(tmp_path):
            pass
        holder.kill()
        holder.wait()
    with DataLock(tmp_path):
        pass  # The kernel has let go of it.


@pytest.mark.parametrize(("place", "reason"), [("file", "File exists"), ("file/data", "Not a directory")])
def test_a_directory_that_cannot_be_made_is_told_with_what_to_do(tmp_path: Path, place: str, reason: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=rf"{place} cannot be used: {reason}; name another with --data-dir"):
        DataLock(tmp_path / place).__enter__()
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
