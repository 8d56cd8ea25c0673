"""`flowrun executions`: look at executions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flowrun.cli import output as out
from flowrun.cli.execution_commands import COMMANDS
from flowrun.cli.node_logs import logs
from flowrun.cli.options import execution_path, output_option, service_options, tenant_option, tenant_path
from flowrun.cli.signals import signal, waits

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient

STATUSES = (
    "queued", "running", "waiting", "paused", "cancelling", "completed", "failed", "cancelled", "timed_out",
)  # fmt: skip


@click.group()
def executions() -> None:
    """Look at executions and direct them.

    Example: flowrun executions list --status failed
    """


@executions.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only those in this state.")
@click.option("--workflow", "-w", metavar="ID", help="Only those of this workflow.")
@click.option("--since", metavar="TIME", help="Only those created at or after this RFC 3339 time.")
@click.option("--query", "-q", "search", metavar="TEXT", help="Only those that this text is found in.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many at most.")
@tenant_option
@service_options
@output_option
def list_executions(
    client: ServiceClient, tenant: str, limit: int, output: str, search: str | None, **only: str | None
) -> None:
    """List executions, newest first.

    Example: flowrun executions list --workflow order-intake --status failed
    """
    found = list(client.items(tenant_path(tenant, "executions"), limit, q=search, **only))
    if output == "json":
        out.print_json(found)
        return
    rows = [
        (
            one["id"],
            one["workflow_id"],
            out.state(one["status"]),
            out.local_time(one["created_at"]),
            out.duration(one.get("started_at"), one.get("finished_at")),
        )
        for one in found
    ]
    out.print_table(("id", "workflow", "status", "created", "took"), rows, empty="No executions.")


@executions.command()
@click.argument("execution")
@click.option("--full", is_flag=True, help="Print the input and output of every node in full.")
@tenant_option
@service_options
@output_option
def show(client: ServiceClient, execution: str, tenant: str, full: bool, output: str) -> None:
    """Show an execution and its nodes. EXECUTION is an id, or `latest`.

    Example: flowrun executions show latest --full
    """
    from flowrun.cli.execution_view import print_execution  # noqa: PLC0415 - only `show` prints one

    path = execution_path(client, tenant, execution)
    document = client.get(path)
    nodes = client.get(f"{path}/nodes")["items"]
    if output == "json":
        out.print_json({**document, "nodes": nodes})
        return
    print_execution(document, nodes, full=full)


@executions.command()
@click.argument("execution")
@click.option("--after", type=click.IntRange(0), default=0, metavar="SEQ", help="Only events after this number.")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="How many at most.")
@tenant_option
@service_options
@output_option
def history(client: ServiceClient, execution: str, tenant: str, after: int, limit: int, output: str) -> None:
    """Print an execution's history, event by event.

    Example: flowrun executions history latest
    """
    from flowrun.cli.watch import events, print_event  # noqa: PLC0415 - only here and in `watch`

    found = events(client, execution_path(client, tenant, execution), after, limit)
    if output == "json":
        out.print_json(found)
        return
    for event in found:
        print_event(event)


@executions.command()
@click.argument("execution")
@tenant_option
@service_options
@output_option
@click.pass_context
def watch(ctx: click.Context, client: ServiceClient, execution: str, tenant: str, output: str) -> None:
    """Follow an execution to its end; the exit code is 0 when it completes, else 1.

    Example: flowrun executions watch latest
    """
    from flowrun.cli.watch import follow  # noqa: PLC0415 - only here and in `history`

    status = follow(client, execution_path(client, tenant, execution), as_json=output == "json")
    ctx.exit(0 if status == "completed" else 1)


for _command in (logs, waits, signal, *COMMANDS):
    executions.add_command(_command)
