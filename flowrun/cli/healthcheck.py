"""`flowrun healthcheck`: whether the service can do its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flowrun.cli.options import service_options

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient


@click.command()
@service_options
def healthcheck(client: ServiceClient) -> None:
    """Ask the service whether it is ready.

    For containers and supervisors: the exit code is 0 when it is.

    Example: flowrun healthcheck
    """
    client.get("/readyz")
    click.echo("ready")
