"""`flowrun events`: send events, see what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from flowrun.cli import output as out
from flowrun.cli.options import output_option, read_json_argument, service_options, tenant_option, tenant_path

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient

_JSON = {"content-type": "application/cloudevents+json"}


@click.group()
def events() -> None:
    """Send events, and list what they started.

    Example: flowrun events send order.paid --data '{"id": 7}'
    """


@events.command()
@click.argument("event_type", metavar="TYPE")
@click.option("--data", metavar="JSON", help="What it carries: JSON, @FILE, or - for standard input.")
@click.option("--id", "event_id", metavar="ID", help="Its id: a second one of the same id and source starts nothing.")
@click.option("--source", default="/flowrun/cli", show_default=True, metavar="URI", help="Where it comes from.")
@click.option("--subject", metavar="TEXT", help="What it is about.")
@tenant_option
@service_options
@output_option
def send(
    client: ServiceClient, event_type: str, data: str | None, event_id: str | None, tenant: str, output: str,
    **attributes: str | None,
) -> None:  # fmt: skip
    """Send an event of TYPE, and print what it started.

    Example: flowrun events send order.paid --data '{"id": 7}'
    """
    event: dict[str, Any] = {"specversion": "1.0", "type": event_type, "id": event_id or str(uuid4())}
    event |= {name: value for name, value in attributes.items() if value is not None}
    if data is not None:
        event["data"] = read_json_argument(data, "--data")
    answer = client.ask("POST", tenant_path(tenant, "events"), json=event, headers=_JSON).json()
    if output == "json":
        out.print_json(answer)
        return
    click.echo(f"{'Known before' if answer['duplicate'] else 'Accepted'}: {answer['outcome']}")
    for one in answer["deliveries"]:
        click.echo(f"  {one['workflow_id']}: {one['outcome']} {one['execution_id'] or one['reason'] or ''}".rstrip())


@events.command("list")
@click.option("--type", "event_type", metavar="TYPE", help="Of this type alone.")
@click.option("--since", metavar="TIME", help="A time, or how long ago, such as 24h.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many.")
@tenant_option
@service_options
@output_option
def list_events(
    client: ServiceClient, event_type: str | None, since: str | None, limit: int, tenant: str, output: str
) -> None:
    """List events, newest first, with what became of each.

    Example: flowrun events list --since 1h
    """
    found = list(client.items(tenant_path(tenant, "events"), limit, type=event_type, since=since))
    if output == "json":
        out.print_json(found)
        return
    rows = [
        (
            out.local_time(one["received_at"]),
            one["type"],
            one["source"],
            one["outcome"],
            " ".join(delivery["execution_id"] for delivery in one["deliveries"] if delivery["execution_id"]),
        )
        for one in found
    ]
    empty = f"The tenant {tenant!r} has no such events."
    out.print_table(("received", "type", "source", "outcome", "executions"), rows, empty=empty)
