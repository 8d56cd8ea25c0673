"""A database as a first start leaves it, made once and then copied: few tests are about how its tables come to be."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from flowrun.persistence.database import writing_engine
from flowrun.persistence.migrate import migrate


def make_ready(path: Path) -> None:
    """Put a database with all tables and no rows there, unless there is one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(_migrated())


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "flowrun.db"
        engine = writing_engine(path)
        migrate(engine, path)
        engine.dispose()
        return path.read_bytes()
