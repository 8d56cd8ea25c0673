"""`flowrun executions waits` and `signal`: what executions wait for from outside, and answering it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from flowrun.cli import output as out
from flowrun.cli.options import (
    execution_path,
    output_option,
    read_json_argument,
    service_options,
    tenant_option,
    tenant_path,
)

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient


@click.command()
@click.argument("execution")
@tenant_option
@service_options
@output_option
def waits(client: ServiceClient, execution: str, tenant: str, output: str) -> None:
    """List the signals that an execution (or `latest`) waits for, each with the address that answers it once.

    Who knows an address may answer: pass it on with care.

    Example: flowrun executions waits EXECUTION
    """
    found = client.get(f"{execution_path(client, tenant, execution)}/waits")["items"]
    if output == "json":
        out.print_json(found)
        return
    if not found:
        click.echo("It waits for no signal.")
    for wait in found:
        node = f"{wait['node_id']}[{wait['iteration']}]" if wait["iteration"] else wait["node_id"]
        until = f", until {out.local_time(wait['due_at'])}" if wait["due_at"] else ""
        click.echo(f"{node} waits for the signal {wait['signal']}{_asked(wait['form'])}{until}")
        click.echo(f"  {wait['resume_url']}")


@click.command()
@click.argument("execution")
@click.argument("name", required=False)
@click.option("--data", "-d", metavar="JSON", help="What the node gets: JSON, @FILE, or - for standard input.")
@click.option("--node", metavar="NODE", help="Answer this node, instead of whichever waits for NAME.")
@click.option("--iteration", metavar="N", default="", help="With --node: the iteration of its loop.")
@click.option("--approve/--reject", "approved", default=None, help="Answer an approval.")
@tenant_option
@service_options
@output_option
def signal(
    client: ServiceClient,
    execution: str,
    name: str | None,
    data: str | None,
    node: str | None,
    iteration: str,
    approved: bool | None,
    tenant: str,
    output: str,
) -> None:
    """Send the signal NAME to an execution: the node that waits for it goes on.

    Example: flowrun executions signal EXECUTION paid --data '{"amount": 12}'
    """
    if (name is None) is (node is None):
        raise click.UsageError("Give either the signal's NAME, or --node NODE.")
    given: Any = None if data is None else read_json_argument(data, "--data")
    if approved is not None:
        if not isinstance(given, dict | None):
            raise click.UsageError("With --approve or --reject the data must be an object.")
        given = {**(given or {}), "approved": approved}
    body: dict[str, Any] = {"name": name} if node is None else {"node_id": node, "iteration": iteration}
    document = client.post(tenant_path(tenant, "executions", execution, "signal"), {**body, "data": given})
    if output == "json":
        out.print_json(document)
    else:
        click.echo(f"{execution}: the signal for {name or node} was received")


def _asked(form: dict[str, Any] | None) -> str:
    """What has to be given, in a few words."""
    if form is None:
        return ""
    names = [field["name"] + ("" if field["required"] else "?") for field in form["fields"]]
    asked = ["approved", *names] if form["approval"] else names
    return f" ({', '.join(asked)})"
