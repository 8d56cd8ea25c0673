"""`flowrun restore`: a backup takes the place of the database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowrun.cli import output as out
from flowrun.cli.options import output_option

if TYPE_CHECKING:
    from flowrun.config import Settings
    from flowrun.persistence.inspection import Inspected


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="A TOML file.")
@click.option("--data-dir", type=click.Path(path_type=Path), metavar="DIR", help="Where the database is to be.")
@output_option
def restore(file: Path, yes: bool, config: Path | None, data_dir: Path | None, output: str) -> None:
    """Let the database be the backup FILE; the service must be stopped.

    FILE is checked first. The database that is there now is kept beside it, under another name. The next start
    carries on with what was under way when the backup was taken.

    Example: flowrun restore /backups/flowrun-monday.db
    """
    from datetime import UTC, datetime  # noqa: PLC0415

    from flowrun.cli.progress import progress  # noqa: PLC0415
    from flowrun.config import load_settings  # noqa: PLC0415
    from flowrun.persistence import restore as restoring  # noqa: PLC0415 - loads the database's tables
    from flowrun.persistence.database import DataLock  # noqa: PLC0415
    from flowrun.persistence.inspection import inspect_file  # noqa: PLC0415

    settings = load_settings({"config": config, "data_dir": data_dir})
    with DataLock(settings.data_dir):
        found = inspect_file(file)
        if not yes:
            _confirm(file, found, settings)
        with progress("Copying") as watch:
            now = datetime.now(UTC)
            kept = restoring.restore(file, settings.database_path, now=now, watch=watch)
    _report(file, found, kept, settings, output)


def _confirm(file: Path, found: Inspected, settings: Settings) -> None:
    place = settings.database_path
    executions = out.spell_count(found.executions, "execution")
    what = f"{file} is whole: {executions}, {found.unfinished:,} of them under way."
    becomes = f"It replaces {place}, which is kept under another name." if place.exists() else f"It becomes {place}."
    click.echo(f"{what}\n{becomes}", err=True)
    click.confirm("Restore it?", abort=True, err=True)


def _report(file: Path, found: Inspected, kept: Path | None, settings: Settings, output: str) -> None:
    from flowrun.persistence.inspection import lost_keys  # noqa: PLC0415

    lost = lost_keys(found, settings.encryption_key, settings.data_dir)
    if output == "json":
        out.print_json(
            {
                "file": str(file.absolute()),
                "database": str(settings.database_path),
                "kept": None if kept is None else str(kept),
                "executions": found.executions,
                "unfinished": found.unfinished,
                "keys_missing": lost,
            }
        )
        return
    click.echo(f"Restored {settings.database_path} from {file}")
    if kept is not None:
        click.echo(f"The database before is {kept}; delete it when you no longer need it")
    if lost:
        click.echo(
            f"Its secrets need the encryption key {', '.join(lost)}, which is not here: put the key file in "
            f"{settings.data_dir} (or set FLOWRUN_ENCRYPTION_KEY) before you start",
            err=True,
        )
    click.echo(f"`flowrun serve` carries on with {out.spell_count(found.unfinished, 'execution')} under way")
