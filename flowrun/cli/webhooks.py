"""`flowrun webhooks`: where workflows listen, what was delivered, once more, and a test listener."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from flowrun.cli import output as out
from flowrun.cli.options import output_option, service_options, tenant_option, tenant_path
from flowrun.errors import NotFoundError

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient

OUTCOMES = ("started", "filtered", "duplicate", "refused", "failed")
_ONE_WAIT = 50.0
"""Seconds that one question lasts; the service's answer must come before the client gives up on it."""


@click.group()
def webhooks() -> None:
    """See where workflows listen and what was delivered there.

    Example: flowrun webhooks list
    """


@webhooks.command("list")
@click.option("--workflow", metavar="WORKFLOW", help="Of this workflow alone.")
@tenant_option
@service_options
@output_option
def list_webhooks(client: ServiceClient, workflow: str | None, tenant: str, output: str) -> None:
    """List where workflows listen.

    Example: flowrun webhooks list --workflow order-intake
    """
    found = list(client.items(tenant_path(tenant, "webhooks"), 10_000, workflow=workflow))
    if output == "json":
        out.print_json(found)
        return
    rows = [
        (
            one["id"],
            one["workflow_id"],
            one["status"],
            one["auth"],
            out.local_time(one["last_triggered_at"]),
            f"{','.join(one['methods'] or ())} {one['url']}",
        )
        for one in found
    ]
    out.print_table(("id", "workflow", "status", "auth", "last delivery", "where"), rows, empty="No webhooks.")


def _webhook_id(client: ServiceClient, tenant: str, named: str) -> str:
    """The id of a webhook that is named by it, or by the workflow whose only webhook it is."""
    found = list(client.items(tenant_path(tenant, "webhooks"), 2, workflow=named))
    return str(found[0]["id"]) if len(found) == 1 else named


@webhooks.command()
@click.argument("webhook")
@click.option("--outcome", "outcomes", multiple=True, type=click.Choice(OUTCOMES), help="Only these; repeat it.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many.")
@tenant_option
@service_options
@output_option
def deliveries(
    client: ServiceClient, webhook: str, outcomes: tuple[str, ...], limit: int, tenant: str, output: str
) -> None:
    """List what was delivered to WEBHOOK and what became of it, newest first.

    WEBHOOK is an id from `flowrun webhooks list`, or a workflow that has one webhook.

    Example: flowrun webhooks deliveries order-intake --outcome refused
    """
    path = tenant_path(tenant, "webhooks", _webhook_id(client, tenant, webhook), "deliveries")
    found = list(client.items(path, limit, outcome=",".join(outcomes) or None))
    if output == "json":
        out.print_json(found)
        return
    rows = [
        (
            one["id"],
            out.local_time(one["received_at"]),
            one["outcome"],
            one["event_type"],
            one["execution_id"],
            one["reason"],
        )
        for one in found
    ]
    out.print_table(("id", "received", "outcome", "event", "execution", "why"), rows, empty="No deliveries.")


@webhooks.command()
@click.argument("webhook")
@click.argument("delivery")
@tenant_option
@service_options
@output_option
def redeliver(client: ServiceClient, webhook: str, delivery: str, tenant: str, output: str) -> None:
    """Start WEBHOOK's workflow again from DELIVERY, an id from `flowrun webhooks deliveries`.

    Example: flowrun webhooks redeliver 0192… 0193…
    """
    webhook_id = _webhook_id(client, tenant, webhook)
    answer = client.post(tenant_path(tenant, "webhooks", webhook_id, "deliveries", delivery, "redeliver"))
    if output == "json":
        out.print_json(answer)
    elif answer["execution_id"] is None:
        click.echo("The webhook's filter lets this delivery pass by: nothing was started.")
    else:
        click.echo(f"Started {answer['execution_id']}")


@webhooks.command()
@click.argument("path")
@click.option("--method", "methods", multiple=True, metavar="METHOD", help="Only these; repeat it. Default: any.")
@click.option("--timeout", type=click.FloatRange(0, 86_400), default=600, show_default=True, help="Seconds to wait.")
@tenant_option
@service_options
@output_option
def listen(
    client: ServiceClient, path: str, methods: tuple[str, ...], timeout: float, tenant: str, output: str
) -> None:
    """Show the next request to PATH, published or not; no signature is checked and nothing is started.

    Example: flowrun webhooks listen 'orders/{id}'
    """
    address = f"/webhooks/{tenant}/{path.strip('/')}"
    click.echo(f"Waiting for a request to {address} (Ctrl-C ends it)", err=True)
    until = time.monotonic() + timeout
    while (left := until - time.monotonic()) > 0:
        asked = {"path": path, "methods": [*methods], "timeout": min(left, _ONE_WAIT)}
        found = client.post(f"{tenant_path(tenant, 'webhooks')}:listen", asked)["delivery"]
        if found is not None:
            _print_request(found, output)
            return
    raise NotFoundError(f"No request came to {address} within {timeout:g} s")


def _print_request(found: dict[str, Any], output: str) -> None:
    if output == "json":
        out.print_json(found)
        return
    event = found["event"]
    click.secho(f"{found['method']} {out.printable(found['path'])}", bold=True)
    click.echo(f"signed for: {', '.join(found['signed_for']) or 'no known scheme'} (not checked)")
    click.echo(f"event: {event['event_type']} from {event['provider']}, customer {event['customer_id'] or 'unknown'}")
    click.echo(f"idempotency key of the provider: {found['idempotency_key'] or 'none'}")
    for name, value in found["headers"].items():
        click.echo(f"{name}: {out.printable(value)}")
    click.echo()
    out.print_json(found["problem"] or found["body"])
