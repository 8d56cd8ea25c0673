"""Bringing the database to this version's tables, at start."""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from flowrun.errors import ConfigurationError

HEAD = "0002"
"""The newest migration; a test holds it equal to what Alembic finds."""

_log = logging.getLogger(__name__)


def migrate(engine: Engine, path: Path) -> None:
    """Apply the migrations that are missing, having copied the file first.

    Raises `ConfigurationError` when a newer flowrun has worked on it, or it cannot be opened; `UnavailableError` when
    the disk doesn't take the copy, and `InvalidInputError` when the database is damaged: then nothing has changed.
    """
    try:
        with engine.connect() as connection:
            present = _revision(connection)
    except DBAPIError as error:
        message = f"The database {path} cannot be opened: {error.orig}"
        advice = "`flowrun doctor` looks into it, `flowrun restore` brings back a backup"
        raise ConfigurationError(f"{message}; {advice}") from error
    if present == HEAD:
        return  # Alembic takes a while to load, and is seldom needed.
    if present is not None:
        _refuse_newer(present, path)
        _copy(path, present)
    _upgrade(engine)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _refuse_newer(present: str, path: Path) -> None:
    if present > HEAD:
        raise ConfigurationError(
            f"The database {path} was written by a newer flowrun (tables {present}; this one knows {HEAD}): "
            "start that version, or restore a backup"
        )


def _copy(path: Path, revision: str) -> None:
    from flowrun.persistence.backup import back_up  # noqa: PLC0415 - seldom needed

    target = path.with_name(f"{path.name}.before-{HEAD}-from-{revision}")
    _log.info("Copying the database to %s before migrating it", target)
    back_up(path, target, replace=True)


def _upgrade(engine: Engine) -> None:
    from alembic import command  # noqa: PLC0415 - slow to load, seldom needed
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
