"""`flowrun doctor`: whether this machine is fit to run the service, and the service's data are in order."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import click

from flowrun.cli import output as out
from flowrun.cli.failure import FAILED
from flowrun.cli.finding import OK, PROBLEM, WARNING, Finding
from flowrun.cli.options import output_option
from flowrun.config import Settings, load_settings
from flowrun.errors import FlowrunError

OLDEST_SQLITE = (3, 35, 0)
"""RETURNING and row values in updates came by then."""
LEAST_FREE_BYTES = 256 << 20
_PORT_SECONDS = 2.0
"""How long whatever has the port may take to answer."""
_MARKS = {OK: ("✓", "green"), WARNING: ("!", "yellow"), PROBLEM: ("✗", "red")}


@click.command()
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="A TOML file.")
@click.option("--data-dir", type=click.Path(path_type=Path), metavar="DIR", help="The data directory to look at.")
@click.option("--fix", is_flag=True, help="Put right what can be; the service must be stopped.")
@output_option
@click.pass_context
def doctor(ctx: click.Context, config: Path | None, data_dir: Path | None, fix: bool, output: str) -> None:
    """Check this machine, the configuration and the data.

    Works with and without a running service. The exit code is 1 when there is a problem. `--fix` closes files to
    other users, and lets a file that cannot shrink do so.

    Example: flowrun doctor
    """
    flags: dict[str, object] = {"config": config, "data_dir": data_dir}
    found = [*_repaired(flags)] if fix else []
    found += findings(flags)
    if output == "json":
        out.print_json([asdict(one) for one in found])
    else:
        for one in found:
            _print(one)
    ctx.exit(FAILED if any(one.level == PROBLEM for one in found) else 0)


def _print(finding: Finding) -> None:
    mark, colour = _MARKS[finding.level]
    click.echo(f"{click.style(mark, fg=colour)} {finding.check:<15}  {out.printable(finding.detail)}")
    if finding.advice:
        click.echo(f"{'':19}→ {finding.advice}")


def _repaired(flags: dict[str, object]) -> Iterator[Finding]:
    from flowrun.cli.doctor_data import repaired  # noqa: PLC0415 - loads the database's tables

    return repaired(load_settings(flags))


def findings(flags: dict[str, object]) -> Iterator[Finding]:
    """Run every check; without a valid configuration, those that need none."""
    yield _python()
    yield _sqlite()
    try:
        settings = load_settings(flags)
    except FlowrunError as error:
        yield Finding("configuration", PROBLEM, str(error), "`flowrun config` shows every setting and its source")
        return
    yield Finding("configuration", OK, f"valid; given: {', '.join(sorted(settings.sources)) or 'nothing'}")
    checks: tuple[Callable[[Settings], Finding], ...] = (_data_dir, _space, _service, _port)
    found = [check(settings) for check in checks]
    yield from found
    if settings.database_path.exists():
        from flowrun.cli.doctor_data import data_findings  # noqa: PLC0415 - loads the database's tables

        yield from data_findings(settings, runs=found[2].level == OK)


def _python() -> Finding:
    level = OK if sys.version_info >= (3, 11) else PROBLEM
    return Finding("python", level, sys.version.split()[0])


def _sqlite() -> Finding:
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        needed = ".".join(map(str, OLDEST_SQLITE))
        return Finding("sqlite", PROBLEM, f"{version} is too old: {needed} is needed", "use a newer Python")
    return Finding("sqlite", OK, version)


def _data_dir(settings: Settings) -> Finding:
    place, advice = settings.data_dir, "choose another one with --data-dir or FLOWRUN_DATA_DIR"
    existing = next(parent for parent in (place, *place.parents) if parent.exists())
    if not existing.is_dir():
        return Finding("data directory", PROBLEM, f"{existing} is no directory", advice)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return Finding("data directory", PROBLEM, f"{existing} cannot be written to: {error.strerror}", advice)
    return Finding("data directory", OK, f"{place}{'' if place.exists() else ' (will be created)'}")


def _space(settings: Settings) -> Finding:
    place = settings.data_dir
    existing = next(parent for parent in (place, *place.parents) if parent.exists())
    state = os.statvfs(existing)
    free = state.f_bavail * state.f_frsize
    path = settings.database_path
    size = sum(file.stat().st_size for file in (path, path.with_name(f"{path.name}-wal")) if file.exists())
    detail = f"{out.spell_bytes(free)} free, {out.spell_bytes(size)} used by the database"
    if free < LEAST_FREE_BYTES:
        advice = "make room, or set keep_bytes: a service that cannot write answers 503 to everything"
        return Finding("disk", PROBLEM, detail, advice)
    if free < size:
        return Finding("disk", WARNING, detail, "a backup beside the database would not fit: write it elsewhere")
    return Finding("disk", OK, detail)


def _service(settings: Settings) -> Finding:
    if not settings.socket.exists():
        return Finding("service", WARNING, f"is not running ({settings.socket})", "`flowrun serve` starts it")
    from flowrun.cli.client import ServiceClient  # noqa: PLC0415 - the HTTP client takes a while to import

    try:
        with ServiceClient.at_socket(settings.socket) as client:
            client.get("/readyz")
    except FlowrunError as error:
        return Finding("service", PROBLEM, str(error), "its log says why; `flowrun serve` starts it again")
    return Finding("service", OK, f"ready at {settings.socket}")


def _port(settings: Settings) -> Finding:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    place = f"{settings.host}:{settings.port}"
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if _is_the_service(settings):
                return Finding("port", OK, f"{place} is the service's")
            return Finding("port", WARNING, f"{place}: {error.strerror or error}", "choose another one with --port")
    return Finding("port", OK, f"{place} is free")


def _is_the_service(settings: Settings) -> bool:
    """Whether the same start of the service answers at the port as at the socket."""
    from flowrun.cli.client import ServiceClient  # noqa: PLC0415 - the HTTP client takes a while to import

    try:
        with ServiceClient.at_socket(settings.socket) as client:
            here = client.get("/readyz")["epoch"]
        with closing(HTTPConnection(settings.host, settings.port, timeout=_PORT_SECONDS)) as connection:
            connection.request("GET", "/readyz")
            return bool(here == json.loads(connection.getresponse().read())["epoch"])
    except (FlowrunError, OSError, HTTPException, ValueError, LookupError, TypeError):
        return False  # Something else has the port, whatever it says.
