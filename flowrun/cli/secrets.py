"""`flowrun secrets`: the secrets that the nodes of a tenant may use."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowrun.cli import output as out
from flowrun.cli.failure import ArgumentError
from flowrun.cli.options import output_option, service_options, tenant_option, tenant_path

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient


@click.group()
def secrets() -> None:
    """Set, list, delete and re-encrypt secrets, which params use as `{{ secrets.NAME }}`.

    Example: flowrun secrets set API_TOKEN --value-file token.txt
    """


@secrets.command("set")
@click.argument("name")
@click.option(
    "--value-file", metavar="FILE",
    help="Read the value from a file, or from standard input (-). Default: ask for it, unseen.",
)  # fmt: skip
@tenant_option
@service_options
def set_secret(client: ServiceClient, name: str, value_file: str | None, tenant: str) -> None:
    """Set or replace the secret NAME. One line break at the end of a file is no part of it.

    The value is never an argument: those can be seen by every user of the machine, and stay in the shell's history.

    Example: flowrun secrets set API_TOKEN --value-file token.txt
    """
    answer = client.ask("PUT", tenant_path(tenant, "secrets", name), json={"value": _value(name, value_file)}).json()
    click.echo(f"{'Set' if answer['created'] else 'Replaced'} {name}")


@secrets.command("list")
@tenant_option
@service_options
@output_option
def list_secrets(client: ServiceClient, tenant: str, output: str) -> None:
    """List the names of the secrets of a tenant; never their values.

    Example: flowrun secrets list --tenant acme
    """
    found = list(client.items(tenant_path(tenant, "secrets"), 10_000))
    if output == "json":
        out.print_json(found)
        return
    rows = [(one["name"], out.local_time(one["updated_at"]), one["key_id"]) for one in found]
    out.print_table(("name", "set", "key"), rows, empty=f"The tenant {tenant!r} has no secrets.")


@secrets.command()
@click.argument("name")
@tenant_option
@service_options
def delete(client: ServiceClient, name: str, tenant: str) -> None:
    """Delete the secret NAME; nodes that use it fail from now on.

    Example: flowrun secrets delete API_TOKEN
    """
    client.ask("DELETE", tenant_path(tenant, "secrets", name))
    click.echo(f"{name} is deleted")


@secrets.command()
@service_options
def rotate(client: ServiceClient) -> None:
    """Encrypt the secrets and channels of all tenants with the first of the configured keys.

    Example: flowrun secrets rotate
    """
    answer = client.post("/api/v1/secrets:rotate")
    counts = f"{answer['rotated']} secrets and {answer['rotated_channels']} channels"
    click.echo(f"Encrypted {counts} with the key {answer['key_id']}")
    if answer["unreadable"]:
        names = ", ".join(answer["unreadable"])
        click.echo(f"These were encrypted with a key that is not configured, and stay as they are: {names}", err=True)
        sys.exit(1)


def _value(name: str, source: str | None) -> str:
    """The secret from a file, standard input or the keyboard; raises `ArgumentError` when there is none."""
    if source is None:
        if not sys.stdin.isatty():
            raise ArgumentError("There is no terminal to ask for the value: pass --value-file FILE, or - for stdin")
        return str(click.prompt(f"Value of {name}", hide_input=True, confirmation_prompt=True))
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).expanduser().read_bytes()
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentError(f"{source} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return text.removesuffix("\n").removesuffix("\r")
