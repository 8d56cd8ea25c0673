"""`flowrun keys`: the API keys of a tenant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from flowrun.cli import output as out
from flowrun.cli.failure import ArgumentError
from flowrun.cli.options import output_option, service_options, tenant_option, tenant_path

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient

SCOPES = ("read", "run", "write", "admin")


operator_option = click.option("--operator", is_flag=True, help="A key that opens every tenant, not one of a tenant.")


def _place(tenant: str, *more: str, operator: bool) -> str:
    return "/".join(("/api/v1/keys", *more)) if operator else tenant_path(tenant, "keys", *more)


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
@click.option("--expires-in", metavar="DURATION", help="When it stops working, e.g. 90d or 12h. Default: never.")
@operator_option
@tenant_option
@service_options
@output_option
def create(
    client: ServiceClient,
    name: str,
    scopes: tuple[str, ...],
    expires_in: str | None,
    operator: bool,
    tenant: str,
    output: str,
) -> None:
    """Create a key called NAME and print it: this is the only time that it is shown.

    Example: flowrun keys create ci --scope read --scope run
    """
    body: dict[str, object] = {"name": name, "scopes": list(scopes)}
    if expires_in is not None:
        body["expires_at"] = _end_of(expires_in)
    document = client.post(_place(tenant, operator=operator), body)
    if output == "json":
        out.print_json(document)
        return
    click.echo(document["key"])
    where = "in every tenant" if operator else f"in the tenant {tenant!r}"
    click.echo(f"Keep it: it is not shown again. It may {', '.join(scopes)} {where}.", err=True)


@keys.command("list")
@operator_option
@tenant_option
@service_options
@output_option
def list_keys(client: ServiceClient, operator: bool, tenant: str, output: str) -> None:
    """List the keys of a tenant, or the operator's; never their secrets.

    Example: flowrun keys list --tenant acme
    """
    found = client.get(_place(tenant, operator=operator))["items"]
    if output == "json":
        out.print_json(found)
        return
    rows = [
        (
            one["id"],
            one.get("name"),
            ",".join(one.get("scopes", ())),
            out.local_time(one.get("created_at")),
            out.local_time(one.get("expires_at")),
            one["status"],
        )
        for one in found
    ]
    columns = ("id", "name", "scopes", "created", "expires", "state")
    out.print_table(
        columns, rows, empty="There is no operator key." if operator else f"The tenant {tenant!r} has no keys."
    )


@keys.command()
@click.argument("key_id")
@operator_option
@tenant_option
@service_options
def revoke(client: ServiceClient, key_id: str, operator: bool, tenant: str) -> None:
    """Revoke the key KEY_ID, with `--operator` an operator's; it is refused from now on.

    Example: flowrun keys revoke KEY_ID
    """
    client.ask("DELETE", _place(tenant, key_id, operator=operator))
    click.echo(f"{key_id} is revoked")


def _end_of(duration: str) -> str:
    """The time after a duration from now, as RFC 3339; raises `ArgumentError` for what is none."""
    from flowrun.formats.duration import parse_duration  # noqa: PLC0415 - the package loads YAML

    try:
        return (datetime.now(UTC) + timedelta(seconds=parse_duration(duration))).isoformat()
    except (ValueError, OverflowError) as error:
        raise ArgumentError(f"--expires-in: {error}") from None
