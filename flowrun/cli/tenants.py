"""`flowrun tenants`: the tenants of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from flowrun.cli import output as out
from flowrun.cli.options import output_option, service_options

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient

PATH = "/api/v1/tenants"
COUNTS = ("workflows", "executions_live", "keys", "secrets")


@click.group()
def tenants() -> None:
    """Create, list, limit, disable and enable tenants.

    Example: flowrun tenants create acme --name "Acme Ltd"
    """


@tenants.command()
@click.argument("tenant")
@click.option("--name", metavar="TEXT", help="A name for people. Default: the id.")
@service_options
@output_option
def create(client: ServiceClient, tenant: str, name: str | None, output: str) -> None:
    """Create the tenant TENANT, an id such as `acme`.

    Example: flowrun tenants create acme --name "Acme Ltd"
    """
    document = client.post(PATH, {"id": tenant, "name": name or tenant})
    if output == "json":
        out.print_json(document)
    else:
        click.echo(f"Created {tenant}. A key for it: flowrun keys create NAME --tenant {tenant}")


@tenants.command()
@click.argument("tenant")
@click.option("--executions", type=click.IntRange(1), metavar="N", help="Executions at once. Default: no limit.")
@click.option("--nodes", type=click.IntRange(1), metavar="N", help="Node runs at once. Default: no limit.")
@click.option(
    "--at-limit",
    type=click.Choice(["queue", "reject", "cancel_oldest"]),
    default="queue",
    show_default=True,
    help="What becomes of one execution more.",
)
@service_options
@output_option
def limit(
    client: ServiceClient, tenant: str, executions: int | None, nodes: int | None, at_limit: str, output: str
) -> None:
    """Set what the tenant TENANT may have running at once; what is left out has no limit.

    Example: flowrun tenants limit acme --executions 200 --nodes 50
    """
    body = {"running_executions": executions, "running_nodes": nodes, "at_limit": at_limit}
    document = client.put(f"{PATH}/{tenant}/limits", body)
    if output == "json":
        out.print_json(document)
    else:
        shown = (f"{executions or 'any number of'} executions", f"{nodes or 'any number of'} node runs")
        click.echo(f"{tenant} may have {' and '.join(shown)} at once; one execution more: {at_limit}")


@tenants.command("list")
@service_options
@output_option
def list_tenants(client: ServiceClient, output: str) -> None:
    """List the tenants.

    Example: flowrun tenants list
    """
    found = list(client.items(PATH, 10_000))
    if output == "json":
        out.print_json(found)
        return
    rows = [
        (
            one["id"],
            one["status"],
            *(one["counts"][name] for name in COUNTS),
            out.local_time(one["created_at"]),
            one["name"],
        )
        for one in found
    ]
    columns = ("id", "status", "workflows", "live", "keys", "secrets", "created", "name")
    out.print_table(columns, rows, empty="No tenants.")


@tenants.command()
@click.argument("tenant")
@service_options
def disable(client: ServiceClient, tenant: str) -> None:
    """Let nothing new start for the tenant TENANT; what runs goes on to its end.

    Example: flowrun tenants disable acme
    """
    client.post(f"{PATH}/{quote(tenant, safe='')}/disable")
    click.echo(f"{tenant} is disabled: its webhooks are not found, starts and events are refused")


@tenants.command()
@click.argument("tenant")
@service_options
def enable(client: ServiceClient, tenant: str) -> None:
    """Let the disabled tenant TENANT be active again.

    Example: flowrun tenants enable acme
    """
    client.post(f"{PATH}/{quote(tenant, safe='')}/enable")
    click.echo(f"{tenant} is active")
