"""The options that many commands share, and what they choose."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote

import click

from flowrun.cli.failure import ArgumentError
from flowrun.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient

F = TypeVar("F", bound=Callable[..., Any])

tenant_option = click.option(
    "--tenant",
    "-t",
    envvar="FLOWRUN_TENANT",
    default="default",
    show_default=True,
    metavar="TENANT",
    help="The tenant (or FLOWRUN_TENANT).",
)
output_option = click.option(
    "--output",
    "-o",
    "output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="A table for people, or JSON for scripts.",
)
WORKFLOW_PATH = click.Path(path_type=Path, exists=True, allow_dash=True)
"""A workflow file, a directory of them, or `-` for standard input."""


def service_options(command: F) -> F:
    """Add `--socket`, `--url` and `--key`; the command gets a `ServiceClient` as `client`."""

    @functools.wraps(command)
    def connected(*args: object, socket: Path | None, url: str | None, key: str | None, **options: object) -> object:
        with service_client(socket, url, key) as client:
            return command(*args, client=client, **options)

    for option in reversed(_SERVICE):
        option(connected)
    return cast("F", connected)


_SERVICE: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--socket",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="The service's socket (or FLOWRUN_SOCKET). Default: the one in the data directory.",
    ),
    click.option("--url", envvar="FLOWRUN_URL", metavar="URL", help="A service elsewhere (or FLOWRUN_URL)."),
    click.option("--key", envvar="FLOWRUN_KEY", metavar="KEY", help="The API key for --url (better: FLOWRUN_KEY)."),
)


def service_client(socket: Path | None, url: str | None, key: str | None) -> ServiceClient:
    """Connect to the service that the options name: a socket goes before a URL from the environment."""
    from flowrun.cli.client import ServiceClient  # noqa: PLC0415 - the HTTP client takes a while to import
    from flowrun.config import load_settings  # noqa: PLC0415

    if url is not None and socket is None:
        return ServiceClient.at_url(url, key or _key_file())
    return ServiceClient.at_socket(load_settings({"socket": socket}).socket)


def _key_file() -> str | None:
    name = os.environ.get("FLOWRUN_KEY_FILE")
    if not name:
        return None
    try:
        return Path(name).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"FLOWRUN_KEY_FILE names a file that cannot be read: {error}") from None


def tenant_path(tenant: str, *parts: str) -> str:
    """The path of something that belongs to a tenant."""
    return "/".join(["/api/v1/tenants", *(quote(part, safe="") for part in (tenant, *parts))])


def execution_path(client: ServiceClient, tenant: str, execution: str) -> str:
    """The path of an execution; `latest` is the newest of the tenant."""
    if execution == "latest":
        newest = next(client.items(tenant_path(tenant, "executions"), 1), None)
        if newest is None:
            raise NotFoundError(f"The tenant {tenant!r} has no executions yet")
        execution = str(newest["id"])
    return tenant_path(tenant, "executions", execution)


def read_json_argument(text: str, what: str) -> Any:  # noqa: ANN401 - any JSON
    """Read JSON from an argument: `{…}` itself, `@file`, or `-` for standard input.

    Raises `ArgumentError` that says where.
    """
    source, content = what, text
    if text == "-":
        source, content = "standard input", sys.stdin.read()
    elif text.startswith("@"):
        source = text[1:]
        try:
            content = Path(source).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ArgumentError(f"{source} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    import json  # noqa: PLC0415 - few commands read JSON

    try:
        return json.loads(content)
    except ValueError as error:
        hint = ". Write a text in quotes: '\"text\"'" if source is what and text[:1].isalpha() else ""
        raise ArgumentError(f"{source} is not JSON: {error}{hint}") from None
