"""`flowrun dashboard`: watch and command a service from the terminal, or from a browser."""

from __future__ import annotations

import os
import socket as sockets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowrun.cli.dashboard_web import WebAddress, serve_web, web_options
from flowrun.cli.failure import NoServiceError
from flowrun.errors import ConfigurationError

if TYPE_CHECKING:
    from tui.place import Place


@click.command()
@click.option(
    "--socket",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The service's socket (or FLOWRUN_SOCKET). Default: the one in the data directory.",
)
@click.option("--url", envvar="FLOWRUN_URL", metavar="URL", help="A service elsewhere (or FLOWRUN_URL).")
@click.option("--key", envvar="FLOWRUN_KEY", metavar="KEY", help="The API key for --url (better: FLOWRUN_KEY).")
@click.option(
    "--key-file",
    envvar="FLOWRUN_KEY_FILE",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A file that holds the key (or FLOWRUN_KEY_FILE).",
)
@click.option("--tenant", "-t", envvar="FLOWRUN_TENANT", metavar="TENANT", help="Begin with this tenant.")
@click.option("--readonly", is_flag=True, help="Look, change nothing.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw with ASCII alone, for terminals without Unicode.")
@web_options
def dashboard(
    socket: Path | None,
    url: str | None,
    key: str | None,
    key_file: Path | None,
    tenant: str | None,
    readonly: bool,
    ascii_only: bool,
    web: WebAddress | None,
) -> None:
    """Open the terminal dashboard: watch executions live, start, pause, retry and cancel them.

    With --web it opens in a browser instead, with the link that is printed. Whoever has the link commands the service
    as you do; FLOWRUN_WEB_TOKEN, of 16 characters or more, makes it the same link every time.

    Example: flowrun dashboard --tenant acme --readonly

    Example: flowrun dashboard --web --web-port 9000
    """
    if web is None and not sys.stdout.isatty():
        raise click.UsageError("The dashboard needs a terminal; for scripts there is `flowrun executions`.")
    place = _place(socket, url, key, key_file)
    from tui.place import Options  # noqa: PLC0415 - the dashboard takes a while to import

    if web is not None:
        serve_web(Options(place, tenant, readonly=readonly, ascii=ascii_only), web)
        return
    from tui.running import run  # noqa: PLC0415

    run(Options(place, tenant, readonly=readonly, ascii=ascii_only or not _unicode()))


def _place(socket: Path | None, url: str | None, key: str | None, key_file: Path | None) -> Place:
    """Where the service is: a socket goes before a URL from the environment."""
    from tui.place import Place  # noqa: PLC0415

    if url is not None and socket is None:
        if not url.startswith(("http://", "https://")):
            raise ConfigurationError(f"--url (or FLOWRUN_URL) must begin with http:// or https://, not {url!r}")
        return Place(url=url, key=key or _read(key_file))
    from flowrun.config import load_settings  # noqa: PLC0415 - takes a while to import

    found = load_settings({"socket": socket}).socket
    _knock(found)
    return Place(socket=found)


def _read(key_file: Path | None) -> str | None:
    if key_file is None:
        return None
    try:
        return key_file.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--key-file (or FLOWRUN_KEY_FILE) cannot be read: {error}") from None


def _knock(path: Path) -> None:
    """Raise `NoServiceError` now, in the shell, rather than show an empty dashboard that waits for a service."""
    try:
        with sockets.socket(sockets.AF_UNIX) as probe:
            probe.settimeout(5)
            probe.connect(str(path))
    except OSError as error:
        raise NoServiceError(
            f"No service answers at {path} ({error.strerror or error}). Start it with `flowrun serve`; if it runs "
            "elsewhere, name its socket with --socket or FLOWRUN_SOCKET"
        ) from None


def _unicode() -> bool:
    """Whether the terminal's encoding has the characters that the dashboard draws with."""
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    return encoding.startswith("utf") and os.environ.get("TERM") != "linux"
