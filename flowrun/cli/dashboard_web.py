"""`flowrun dashboard --web`: the link that opens the dashboard in a browser, and the server behind it."""

from __future__ import annotations

import functools
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from flowrun.errors import ConfigurationError

if TYPE_CHECKING:
    from tui.place import Options

F = TypeVar("F", bound=Callable[..., Any])

_TOKEN = "FLOWRUN_WEB_TOKEN"  # noqa: S105 - the variable's name
_SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True)
class WebAddress:
    """Where browsers find it; port 0 is any free one."""

    host: str
    port: int


def web_options(command: F) -> F:
    """Add `--web`, `--web-host` and `--web-port`; the command gets a `WebAddress` as `web`, or None."""

    @functools.wraps(command)
    def chosen(*args: object, web: bool, web_host: str | None, web_port: int | None, **options: object) -> object:
        if web:
            address = WebAddress(web_host or "127.0.0.1", 8090 if web_port is None else web_port)
            return command(*args, web=address, **options)
        if web_host is not None or web_port is not None:
            raise click.UsageError("--web-host and --web-port belong to --web.")
        return command(*args, web=None, **options)

    for option in reversed(_OPTIONS):
        option(chosen)
    return cast("F", chosen)


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--web", is_flag=True, help="Serve it to browsers; needs `pip install 'flowrun[web]'`."),
    click.option("--web-host", metavar="HOST", help="Where --web listens. Default: 127.0.0.1, for this machine alone."),
    click.option("--web-port", type=click.IntRange(0, 65535), metavar="PORT", help="Its port. Default: 8090; 0: any."),
)


def serve_web(options: Options, address: WebAddress) -> None:
    """Print the link on stdout, hints on stderr, and serve until Ctrl+C.

    Raises `ConfigurationError` when the library is missing, the token too short or the address not to be had.
    """
    try:
        from tui.web import serve  # noqa: PLC0415 - an extra
        from tui.web_guard import Guard, is_loopback  # noqa: PLC0415
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        raise ConfigurationError(f"--web needs the library {library}: pip install 'flowrun[web]'") from None
    token = _token()
    with _listening(address) as listening:
        guard = Guard(address.host, listening.getsockname()[1], token)
        if not is_loopback(address.host):
            click.echo(
                f"Warning: other machines can reach {address.host}, and the traffic is not encrypted: who reads it can "
                "command the service. Safer: stay on 127.0.0.1, and come through an SSH tunnel.",
                err=True,
            )
        click.echo(guard.link)
        click.echo("Open the link in a browser. Ctrl+C ends the dashboard in every browser.", err=True)
        serve(options, guard, listening)


def _token() -> str:
    """The token that the environment fixes, taken out of it so that no child has it, or a new one."""
    token = os.environ.pop(_TOKEN, None) or secrets.token_urlsafe()
    if len(token) < _SHORTEST_TOKEN:
        raise ConfigurationError(
            f"{_TOKEN} has {len(token)} characters; fewer than {_SHORTEST_TOKEN} can be guessed. Without it, "
            "every start has a token of its own"
        )
    return token


def _listening(address: WebAddress) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family)
    except OSError as error:
        why = error.strerror or error
        raise ConfigurationError(f"--web cannot listen on {address.host}, port {address.port}: {why}") from None
