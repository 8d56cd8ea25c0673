"""DBOS in one process on SQLite, in the mode it comes with and with a write-ahead log as ours has."""

from __future__ import annotations

import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

from benchmarks.peers import hook
from benchmarks.peers.place import Columns, Place, printed
from benchmarks.service import free_port

_VERSION = "from importlib.metadata import version; print(version('dbos'))"


def measure(place: Place, executions: int, seconds: float) -> Columns:
    """All figures, for both modes of SQLite."""
    folder = place.pip_install("dbos")
    python = str(folder / "venv/bin/python")
    version = subprocess.run([python, "-c", _VERSION], check=True, capture_output=True, text=True).stdout.strip()
    start = [python, str(folder / "bench.py")]
    modes = {"SQLite": "delete", "SQLite WAL": "wal"}
    return {f"DBOS {version}, {name}": _measure(start, mode, executions, seconds) for name, mode in modes.items()}


def _measure(start: list[str], mode: str, executions: int, seconds: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="flowrun-peer-") as name:
        folder, port = Path(name), free_port()
        figures = printed([*start, "engine", _database(folder / "engine.db", mode), str(executions)])
        command = [*start, "serve", _database(folder / "serve.db", mode), str(port)]
        return figures | hook.measure(command, port, "/hook", seconds=seconds, folder=folder)


def _database(path: Path, mode: str) -> str:
    """An empty database in this mode, which SQLite keeps in the file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode={mode}")
    return str(path)
