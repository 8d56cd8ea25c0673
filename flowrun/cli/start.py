"""`flowrun start`: start an execution by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flowrun.cli import output as out
from flowrun.cli.failure import INTERRUPTED
from flowrun.cli.options import output_option, read_json_argument, service_options, tenant_option, tenant_path

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient


@click.command()
@click.argument("workflow")
@click.option("--input", "-i", "given", metavar="JSON", help="The input: JSON, @FILE, or - for standard input.")
@click.option("--wait", is_flag=True, help="Wait for the end, print the result; the exit code tells the outcome.")
@click.option("--idempotency-key", metavar="TEXT", help="Start nothing when this key was used before.")
@tenant_option
@service_options
@output_option
@click.pass_context
def start(
    ctx: click.Context,
    client: ServiceClient,
    workflow: str,
    given: str | None,
    wait: bool,
    idempotency_key: str | None,
    tenant: str,
    output: str,
) -> None:
    """Start an execution of a workflow.

    Prints the id of the execution, or with --wait its output.

    Example: flowrun start hello --input '{"name": "world"}' --wait
    """
    body = {} if given is None else {"input": read_json_argument(given, "--input")}
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else None
    if wait:  # A key that may start and not look is refused before anything is started.
        client.get(tenant_path(tenant, "executions"), limit=1)
    started = client.post(tenant_path(tenant, "workflows", workflow, "executions"), body, headers=headers)
    if not wait:
        if output == "json":
            out.print_json(started)
        else:
            click.echo(started["execution_id"])
        return
    from flowrun.cli.execution_view import print_result  # noqa: PLC0415 - only with --wait
    from flowrun.cli.watch import wait as wait_for  # noqa: PLC0415

    try:
        execution = wait_for(client, tenant_path(tenant, "executions", started["execution_id"]))
    except KeyboardInterrupt:
        goes_on = f"The execution {started['execution_id']} goes on: flowrun executions watch {started['execution_id']}"
        click.echo(goes_on, err=True)
        ctx.exit(INTERRUPTED)
    if output == "json":
        out.print_json(execution)
    else:
        print_result(execution)
    ctx.exit(0 if execution["status"] == "completed" else 1)
