"""`flowrun migrate`: brings the database to this version's tables without starting the service."""

from __future__ import annotations

from pathlib import Path

import click

from flowrun.cli.options import output_option


@click.command()
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="A TOML file.")
@click.option("--data-dir", type=click.Path(path_type=Path), metavar="DIR", help="Where the database is.")
@output_option
def migrate(config: Path | None, data_dir: Path | None, output: str) -> None:
    """Bring the database to this version's tables; the service must be stopped.

    A start does the same. The file is copied beside itself first.

    Example: flowrun migrate --data-dir ./data
    """
    from flowrun.cli import output as out  # noqa: PLC0415
    from flowrun.config import load_settings  # noqa: PLC0415
    from flowrun.persistence import migrate as migrations  # noqa: PLC0415 - loads the database's tables
    from flowrun.persistence.database import DataLock, writing_engine  # noqa: PLC0415

    settings = load_settings({"config": config, "data_dir": data_dir})
    path = settings.database_path
    with DataLock(settings.data_dir):
        existed = path.exists()
        engine = writing_engine(path)
        try:
            migrations.migrate(engine, path)
        finally:
            engine.dispose()
    if output == "json":
        out.print_json({"database": str(path), "tables": migrations.HEAD, "created": not existed})
    else:
        click.echo(f"{path} {'has' if existed else 'was made with'} the tables of this version ({migrations.HEAD})")
