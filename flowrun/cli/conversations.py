"""`flowrun conversations`: what agents remember of those they talk with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flowrun.cli import output as out
from flowrun.cli.options import output_option, service_options, tenant_option, tenant_path

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient


@click.group()
def conversations() -> None:
    """List, show and delete what a workflow's agents remember of their conversations.

    Example: flowrun conversations list agent-support
    """


@conversations.command("list")
@click.argument("workflow")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="How many at most.")
@tenant_option
@service_options
@output_option
def list_conversations(client: ServiceClient, workflow: str, limit: int, tenant: str, output: str) -> None:
    """List the conversations that the agents of WORKFLOW remember.

    Example: flowrun conversations list agent-support
    """
    found = list(client.items(tenant_path(tenant, "workflows", workflow, "conversations"), limit))
    if output == "json":
        out.print_json(found)
        return
    rows = [
        (one["id"], one["turns"], out.local_time(one["created_at"]), out.local_time(one["updated_at"])) for one in found
    ]
    out.print_table(
        ("id", "turns", "first", "latest"), rows, empty=f"The agents of {workflow} remember no conversation."
    )


@conversations.command()
@click.argument("workflow")
@click.argument("conversation")
@tenant_option
@service_options
@output_option
def show(client: ServiceClient, workflow: str, conversation: str, tenant: str, output: str) -> None:
    """Show what was said in CONVERSATION, as far as it is remembered.

    Example: flowrun conversations show agent-support 551100000004
    """
    found = client.get(tenant_path(tenant, "workflows", workflow, "conversations", conversation))
    if output == "json":
        out.print_json(found)
        return
    for turn in found["turns"]:
        click.echo(f"{click.style('they', dim=True)}   {turn['user']}")
        click.echo(f"{click.style('agent', dim=True)}  {turn['assistant']}")


@conversations.command()
@click.argument("workflow")
@click.argument("conversation")
@tenant_option
@service_options
def delete(client: ServiceClient, workflow: str, conversation: str, tenant: str) -> None:
    """Let the agents of WORKFLOW forget CONVERSATION; what executions have recorded of it stays.

    Example: flowrun conversations delete agent-support 551100000004
    """
    client.ask("DELETE", tenant_path(tenant, "workflows", workflow, "conversations", conversation))
    click.echo(f"{conversation} is forgotten")
