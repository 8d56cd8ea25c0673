"""`flowrun backup`: a copy of the database, while the service works on it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowrun.cli import output as out
from flowrun.cli.options import output_option

if TYPE_CHECKING:
    from flowrun.config import Settings
    from flowrun.persistence.backup import Backup

_NICE = 10
"""The service's own work goes first."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE when it exists.")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="A TOML file.")
@click.option("--data-dir", type=click.Path(path_type=Path), metavar="DIR", help="Where the database is.")
@output_option
def backup(file: Path, force: bool, config: Path | None, data_dir: Path | None, output: str) -> None:
    """Copy the database to FILE, as it is at this moment.

    The service may run or not, and does not wait for it. FILE is checked before it gets its name, and readable by
    you alone. It does not hold the key that secrets are encrypted with: keep that elsewhere.

    Example: flowrun backup /backups/flowrun-monday.db
    """
    from flowrun.cli.progress import progress  # noqa: PLC0415
    from flowrun.config import load_settings  # noqa: PLC0415
    from flowrun.persistence.backup import back_up  # noqa: PLC0415 - loads the database's tables

    settings = load_settings({"config": config, "data_dir": data_dir})
    os.nice(_NICE)
    with progress("Copying") as watch:
        made = back_up(settings.database_path, file, replace=force, watch=watch)
    if output == "json":
        out.print_json(_document(made, settings))
        return
    found = made.contents
    click.echo(
        f"Backed up {out.spell_count(found.executions, 'execution')} ({found.unfinished:,} under way) to {made.path}: "
        f"{out.spell_bytes(made.size)} in {out.spell_seconds(made.seconds)}, checked"
    )
    if found.key_ids:
        click.echo(
            f"Its secrets are encrypted, and FILE lacks the key. Keep a copy of that elsewhere: {_key_place(settings)}",
            err=True,
        )


def _document(made: Backup, settings: Settings) -> dict[str, object]:
    found = made.contents
    return {
        "file": str(made.path.absolute()),
        "bytes": made.size,
        "seconds": round(made.seconds, 3),
        "executions": found.executions,
        "unfinished": found.unfinished,
        "tables": found.revision,
        "encryption_key": {"needed": bool(found.key_ids), "ids": list(found.key_ids), "place": _key_place(settings)},
    }


def _key_place(settings: Settings) -> str:
    from flowrun.persistence.encryption import KEY_FILE  # noqa: PLC0415

    if settings.encryption_key is not None:
        return settings.sources.get("encryption_key", "encryption_key")
    return str(settings.data_dir / KEY_FILE)
