"""`flowrun tenants`: the tenants of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flowrun.cli import output as out
from flowrun.cli.options import output_option, service_options

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient

PATH = "/api/v1/tenants"


@click.group()
def tenants() -> None:
    """Create and list tenants.

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
    rows = [(one["id"], one.get("status"), out.local_time(one.get("created_at")), one.get("name")) for one in found]
    out.print_table(("id", "status", "created", "name"), rows, empty="No tenants.")
