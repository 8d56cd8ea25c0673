"""`flowrun workflows`: the workflows that the service has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flowrun.cli import output as out
from flowrun.cli.options import output_option, service_options, tenant_option, tenant_path

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient


@click.group()
def workflows() -> None:
    """List, publish, archive and delete workflows.

    Example: flowrun workflows list
    """


@workflows.command("list")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="How many at most.")
@tenant_option
@service_options
@output_option
def list_workflows(client: ServiceClient, limit: int, tenant: str, output: str) -> None:
    """List the workflows of a tenant.

    Example: flowrun workflows list --tenant acme
    """
    found = list(client.items(tenant_path(tenant, "workflows"), limit))
    if output == "json":
        out.print_json(found)
        return
    rows = [
        (one["id"], one.get("version"), one["status"], out.local_time(one.get("updated_at")), one["name"])
        for one in found
    ]
    empty = f"The tenant {tenant!r} has no workflows. Save one with `flowrun apply FILE`."
    out.print_table(("id", "version", "status", "updated", "name"), rows, empty=empty)


def _transition(name: str, help_text: str) -> None:
    @workflows.command(name, help=f"{help_text}\n\nExample: flowrun workflows {name} order-intake")
    @click.argument("workflow")
    @tenant_option
    @service_options
    def run(client: ServiceClient, workflow: str, tenant: str) -> None:
        document = client.post(tenant_path(tenant, "workflows", workflow, name))
        click.echo(f"{workflow} is {document['status']}")


_transition("publish", "Let a workflow's triggers start executions.")
_transition("archive", "Let a workflow's triggers start nothing any more; what runs goes on.")


@workflows.command()
@click.argument("workflow")
@tenant_option
@service_options
def delete(client: ServiceClient, workflow: str, tenant: str) -> None:
    """Delete a workflow of which nothing runs any more; its executions stay.

    Example: flowrun workflows delete order-intake
    """
    client.ask("DELETE", tenant_path(tenant, "workflows", workflow))
    click.echo(f"{workflow} is deleted")
