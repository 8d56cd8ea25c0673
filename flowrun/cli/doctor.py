"""`flowrun doctor`: whether this machine is fit to run the service."""

from __future__ import annotations

import os
import socket
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from flowrun.cli import output as out
from flowrun.cli.failure import FAILED
from flowrun.cli.options import output_option
from flowrun.config import Settings, load_settings
from flowrun.errors import FlowrunError

OLDEST_SQLITE = (3, 35, 0)
"""RETURNING and row values in updates came by then."""
LEAST_FREE_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: `ok`, `warning` or `problem`."""

    check: str
    level: str
    detail: str


@click.command()
@click.option("--data-dir", type=click.Path(path_type=Path), metavar="DIR", help="The data directory to look at.")
@output_option
@click.pass_context
def doctor(ctx: click.Context, data_dir: Path | None, output: str) -> None:
    """Check this machine and the configuration.

    Needs no service; the exit code is 1 when there is a problem.

    Example: flowrun doctor
    """
    found = list(findings({"data_dir": data_dir}))
    if output == "json":
        out.print_json([asdict(one) for one in found])
    else:
        marks = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}
        for one in found:
            mark, colour = marks[one.level]
            click.echo(f"{click.style(mark, fg=colour)} {one.check:<13}  {one.detail}")
    ctx.exit(FAILED if any(one.level == "problem" for one in found) else 0)


def findings(flags: dict[str, object]) -> Iterator[Finding]:
    """Run every check; without a valid configuration, those that need none."""
    yield _python()
    yield _sqlite()
    try:
        settings = load_settings(flags)
    except FlowrunError as error:
        yield Finding("configuration", "problem", str(error))
        return
    yield Finding("configuration", "ok", f"valid; given: {', '.join(sorted(settings.sources)) or 'nothing'}")
    checks: tuple[Callable[[Settings], Finding], ...] = (_data_dir, _space, _service, _port)
    for check in checks:
        yield check(settings)


def _python() -> Finding:
    level = "ok" if sys.version_info >= (3, 11) else "problem"
    return Finding("python", level, sys.version.split()[0])


def _sqlite() -> Finding:
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        return Finding("sqlite", "problem", f"{version} is too old: {'.'.join(map(str, OLDEST_SQLITE))} is needed")
    return Finding("sqlite", "ok", version)


def _data_dir(settings: Settings) -> Finding:
    place = settings.data_dir
    existing = next(parent for parent in (place, *place.parents) if parent.exists())
    if not existing.is_dir():
        return Finding("data directory", "problem", f"{existing} is no directory")
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return Finding("data directory", "problem", f"{existing} cannot be written to: {error.strerror}")
    return Finding("data directory", "ok", f"{place}{'' if place.exists() else ' (will be created)'}")


def _space(settings: Settings) -> Finding:
    place = settings.data_dir
    existing = next(parent for parent in (place, *place.parents) if parent.exists())
    state = os.statvfs(existing)
    free = state.f_bavail * state.f_frsize
    return Finding("free space", "ok" if free >= LEAST_FREE_BYTES else "warning", f"{free / (1 << 30):.1f} GiB")


def _service(settings: Settings) -> Finding:
    if not settings.socket.exists():
        return Finding("service", "warning", f"is not running ({settings.socket}); `flowrun serve` starts it")
    from flowrun.cli.client import ServiceClient  # noqa: PLC0415 - the HTTP client takes a while to import

    try:
        with ServiceClient.at_socket(settings.socket) as client:
            client.get("/readyz")
    except FlowrunError as error:
        return Finding("service", "problem", str(error))
    return Finding("service", "ok", f"ready at {settings.socket}")


def _port(settings: Settings) -> Finding:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            # A running service of ours has the port, so this is no problem by itself.
            return Finding("port", "warning", f"{settings.host}:{settings.port}: {error.strerror or error}")
    return Finding("port", "ok", f"{settings.host}:{settings.port} is free")
