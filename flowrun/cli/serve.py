"""`flowrun serve`: the service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from flowrun.bootstrap import ServiceInfo

_MOST_DESCRIPTORS = 65_536


@click.command()
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="A TOML file.")
@click.option("--data-dir", type=click.Path(path_type=Path), metavar="DIR", help="Where the database is.")
@click.option("--host", metavar="HOST", help="Where to listen. Default: 127.0.0.1.")
@click.option("--port", metavar="PORT", help="Default: 8080; 0 takes any free one.")
@click.option("--socket", type=click.Path(path_type=Path), metavar="PATH", help="Default: in the data directory.")
@click.option("--database-url", metavar="URL", help="Default: SQLite in the data directory.")
@click.option("--broker-url", metavar="URL", help="Default: within the process.")
@click.option("--role", metavar="ROLE", help="Default: all.")
@click.option("--log-level", metavar="LEVEL", help="debug, info, warning or error. Default: info.")
def serve(**flags: object) -> None:
    """Run the service, until SIGTERM or Ctrl-C.

    API, coordinator and workers run in this one process.

    Example: flowrun serve --data-dir ./data --port 8080
    """
    from flowrun.config import load_settings  # noqa: PLC0415

    settings = load_settings(flags)
    _log_to_stderr(settings.log_level)
    _allow_many_connections()
    import anyio  # noqa: PLC0415 - the service is far slower to import than the command line

    from flowrun.bootstrap import run_service  # noqa: PLC0415

    async def run() -> None:
        await run_service(settings, started=_announce)

    anyio.run(run, backend_options={"use_uvloop": _has_uvloop()})


def _log_to_stderr(level: str) -> None:
    """Our own words from this level on, the libraries' from warnings on."""
    import logging  # noqa: PLC0415

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    logging.getLogger("flowrun").setLevel(level.upper())


def _allow_many_connections() -> None:
    """Take as many file descriptors as may be had: each connection is one, and so is each call of a node."""
    import resource  # noqa: PLC0415

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _has_uvloop() -> bool:
    from importlib.util import find_spec  # noqa: PLC0415

    return find_spec("uvloop") is not None


def _announce(info: ServiceInfo) -> None:
    host = f"[{info.host}]" if ":" in info.host else info.host
    click.echo(f"flowrun serves http://{host}:{info.port} and {info.socket_path}", err=True)
    if info.operator_key is not None:
        click.echo("The operator key, shown this once (it opens every tenant):", err=True)
        click.echo(info.operator_key)
