"""`flowrun config`: what is configured, and where each value comes from."""

from __future__ import annotations

from pathlib import Path

import click

from flowrun.cli import output as out
from flowrun.cli.options import output_option


@click.command()
@click.option("--config", "file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="A TOML file.")
@click.option("--data-dir", type=click.Path(path_type=Path), metavar="DIR", help="Where the database is.")
@output_option
def config(file: Path | None, data_dir: Path | None, output: str) -> None:
    """Print the effective settings, secrets masked.

    Example: flowrun config -o json
    """
    from flowrun.config import load_settings  # noqa: PLC0415

    settings = load_settings({"config": file, "data_dir": data_dir})
    shown = settings.shown()
    if output == "json":
        out.print_json(shown)
        return
    rows = [
        (name, settings.sources.get(name, "default"), ", ".join(value) if isinstance(value, list) else value)
        for name, value in shown.items()
    ]
    out.print_table(("setting", "from", "value"), rows, empty="")
