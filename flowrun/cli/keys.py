"""`flowrun keys`: the API keys of a tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flowrun.cli import output as out
from flowrun.cli.options import output_option, service_options, tenant_option, tenant_path

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient

SCOPES = ("read", "run", "write", "admin")


@click.group()
def keys() -> None:
    """Create, list and revoke API keys.

    Example: flowrun keys create ci --scope read --scope run
    """


@keys.command()
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(SCOPES), default=("read", "run"), show_default=True,
    help="What the key may do; repeat it.",
)  # fmt: skip
@tenant_option
@service_options
@output_option
def create(client: ServiceClient, name: str, scopes: tuple[str, ...], tenant: str, output: str) -> None:
    """Create a key called NAME and print it: this is the only time that it is shown.

    Example: flowrun keys create ci --scope read --scope run
    """
    document = client.post(tenant_path(tenant, "keys"), {"name": name, "scopes": list(scopes)})
    if output == "json":
        out.print_json(document)
        return
    click.echo(document["key"])
    click.echo(f"Keep it: it is not shown again. It may {', '.join(scopes)} in the tenant {tenant!r}.", err=True)


@keys.command("list")
@tenant_option
@service_options
@output_option
def list_keys(client: ServiceClient, tenant: str, output: str) -> None:
    """List the keys of a tenant; never their secrets.

    Example: flowrun keys list --tenant acme
    """
    found = client.get(tenant_path(tenant, "keys"))["items"]
    if output == "json":
        out.print_json(found)
        return
    rows = [
        (
            one["id"],
            one.get("name"),
            ",".join(one.get("scopes", ())),
            out.local_time(one.get("created_at")),
            one["status"],
        )
        for one in found
    ]
    out.print_table(("id", "name", "scopes", "created", "state"), rows, empty=f"The tenant {tenant!r} has no keys.")


@keys.command()
@click.argument("key_id")
@tenant_option
@service_options
def revoke(client: ServiceClient, key_id: str, tenant: str) -> None:
    """Revoke the key KEY_ID; it is refused from now on.

    Example: flowrun keys revoke KEY_ID
    """
    client.ask("DELETE", tenant_path(tenant, "keys", key_id))
    click.echo(f"{key_id} is revoked")
