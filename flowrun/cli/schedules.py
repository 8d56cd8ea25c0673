"""`flowrun schedules`: when workflows start by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from flowrun.cli import output as out
from flowrun.cli.options import output_option, service_options, tenant_option, tenant_path
from flowrun.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient

_DECISIONS = (
    "fired", "cancelled_previous", "coalesced", "skipped_misfire", "skipped_overlap", "queued", "dropped", "failed",
    "triggered",
)  # fmt: skip
_ID_LENGTH = 36
_schedule = click.argument("schedule")


@click.group()
def schedules() -> None:
    """See when workflows start by themselves; pause, resume and fire schedules.

    SCHEDULE is an id, WORKFLOW, or WORKFLOW/NODE when a workflow has several.

    Example: flowrun schedules list
    """


@schedules.command("list")
@click.option("--workflow", "-w", metavar="ID", help="Only those of this workflow.")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="How many at most.")
@tenant_option
@service_options
@output_option
def list_schedules(client: ServiceClient, workflow: str | None, limit: int, tenant: str, output: str) -> None:
    """List schedules in words, each with its next five times.

    Example: flowrun schedules list --workflow nightly-report
    """
    found = list(client.items(tenant_path(tenant, "schedules"), limit, workflow=workflow))
    if output == "json":
        out.print_json(found)
        return
    if not found:
        click.echo(f"The tenant {tenant!r} has no schedules: give a workflow a `schedule` trigger.", err=True)
    for one in found:
        name = "" if one["name"] == one["node_id"] else f"  {one['name']}"
        title = out.printable(f"{one['workflow_id']}/{one['node_id']}{name}")
        click.echo(f"{click.style(title, bold=True)}  {one['status']}")
        click.echo(f"  {out.printable(one['when'])}")
        times = ", ".join(_spoken(one["next_times"], one["timezone"]))
        click.echo(f"  next: {times or 'none'}")
        click.echo(click.style(f"  {one['id']}", dim=True))


@schedules.command()
@_schedule
@click.option("--decision", type=click.Choice(_DECISIONS), help="Only these.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many at most.")
@tenant_option
@service_options
@output_option
def fires(client: ServiceClient, schedule: str, decision: str | None, limit: int, tenant: str, output: str) -> None:
    """List what became of a schedule's times, the latest first: fired, skipped, queued, and why.

    Example: flowrun schedules fires nightly-report --decision skipped_misfire
    """
    path = tenant_path(tenant, "schedules", _id(client, tenant, schedule), "fires")
    found = list(client.items(path, limit, decision=decision))
    if output == "json":
        out.print_json(found)
        return
    rows = [(out.local_time(one["scheduled_at"]), one["decision"], one["execution_id"], _reason(one)) for one in found]
    out.print_table(("scheduled", "decision", "execution", "reason"), rows, empty="It has not come due yet.")


@schedules.command()
@_schedule
@tenant_option
@service_options
@output_option
def pause(client: ServiceClient, schedule: str, tenant: str, output: str) -> None:
    """Let a schedule fire no more until it is resumed.

    Example: flowrun schedules pause nightly-report
    """
    document = client.post(tenant_path(tenant, "schedules", _id(client, tenant, schedule), "pause"))
    _print_outcome(document, output, f"{schedule} is paused")


@schedules.command()
@_schedule
@tenant_option
@service_options
@output_option
def resume(client: ServiceClient, schedule: str, tenant: str, output: str) -> None:
    """Let a paused schedule fire again; what it missed meanwhile is not made up for.

    Example: flowrun schedules resume nightly-report
    """
    document = client.post(tenant_path(tenant, "schedules", _id(client, tenant, schedule), "resume"))
    following = f", next at {out.local_time(document['next_at'])}" if document["next_at"] else ""
    _print_outcome(document, output, f"{schedule} is {document['status']}{following}")


@schedules.command()
@_schedule
@tenant_option
@service_options
@output_option
def trigger(client: ServiceClient, schedule: str, tenant: str, output: str) -> None:
    """Start a schedule's workflow now, and print the id of the execution.

    Example: flowrun schedules trigger nightly-report
    """
    document = client.post(tenant_path(tenant, "schedules", _id(client, tenant, schedule), "trigger"))
    _print_outcome(document, output, str(document["execution_id"]))


def _id(client: ServiceClient, tenant: str, name: str) -> str:
    """The id of the schedule that was named. Raises `NotFoundError`, `InvalidInputError` when several are meant."""
    if len(name) == _ID_LENGTH and name.count("-") == 4:
        return name
    workflow, _, node = name.partition("/")
    found = [
        one
        for one in client.items(tenant_path(tenant, "schedules"), 1000, workflow=workflow)
        if node in {"", one["node_id"]}
    ]
    if not found:
        raise NotFoundError(f"The tenant {tenant!r} has no schedule {name!r}; see `flowrun schedules list`")
    if len(found) > 1:
        names = ", ".join(f"{workflow}/{one['node_id']}" for one in found)
        raise InvalidInputError(f"{name!r} has several schedules: say which of {names}")
    return str(found[0]["id"])


def _spoken(times: list[str], zone: str) -> list[str]:
    """Times as they are said in a time zone: `today 09:00`, `tomorrow 09:00`, `Mon 30 Nov 09:00`."""
    from datetime import datetime, timedelta  # noqa: PLC0415 - one command needs it
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    place = ZoneInfo(zone)
    today = datetime.now(place).date()
    words = {today: "today", today + timedelta(days=1): "tomorrow"}
    spoken = []
    for text in times:
        at = out.parse_time(text).astimezone(place)
        year = "" if (at.date() - today).days < 300 else f" {at.year}"
        day = words.get(at.date(), f"{at:%a} {at.day} {at:%b}{year}")
        spoken.append(f"{day} {at:%H:%M}" if at.second == 0 else f"{day} {at:%H:%M:%S}")
    return spoken


def _reason(fire: dict[str, Any]) -> str:
    through = f" (up to {out.local_time(fire['through'])})" if fire.get("through") else ""
    return f"{fire['reason'] or ''}{through}"


def _print_outcome(document: object, output: str, line: str) -> None:
    if output == "json":
        out.print_json(document)
    else:
        click.echo(line)
