"""`flowrun executions logs`: what a node has logged, as it was and as it comes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from flowrun.cli import output as out
from flowrun.cli.options import execution_path, output_option, service_options, tenant_option

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient

_PAGE = 1000
_FINAL = frozenset({"completed", "failed", "skipped", "cancelled", "timed_out"})
Line = dict[str, Any]


@click.command()
@click.argument("execution")
@click.argument("node")
@click.option("--iteration", metavar="PATH", help="Which run of a node in a loop, such as `3` or `3.0`.")
@click.option("--attempt", type=click.IntRange(1), help="Of this attempt alone.")
@click.option("--follow", "-f", is_flag=True, help="Go on until the node has ended.")
@tenant_option
@service_options
@output_option
def logs(
    client: ServiceClient, execution: str, node: str, tenant: str, output: str, follow: bool, **only: object
) -> None:
    """Print what a node has logged: prints of code, requests of an agent, pages. EXECUTION is an id, or `latest`.

    Example: flowrun executions logs latest assistant --follow
    """
    path = execution_path(client, tenant, execution)
    lines = _follow(client, path, node, only) if follow else _lines(client, path, node, only)
    if output == "json" and not follow:
        out.print_json(list(lines))
        return
    empty = True
    for line in lines:
        _print(line, as_json=output == "json")
        empty = False
    if empty and output != "json":
        click.echo("The node has logged nothing.", err=True)


def _lines(client: ServiceClient, path: str, node: str, only: dict[str, object], after: int = 0) -> Iterator[Line]:
    following: int | None = after
    while following is not None:
        page = client.get(f"{path}/nodes/{quote(node, safe='')}/logs", after=following, limit=_PAGE, **only)
        yield from page["items"]
        following = page["next"]


def _follow(client: ServiceClient, path: str, node: str, only: dict[str, object]) -> Iterator[Line]:
    from flowrun.cli.watch import POLL_SECONDS  # noqa: PLC0415

    seen = 0
    while True:
        # The state is read before the lines: when it is final, no line comes after those read next.
        ended = _has_ended(client, path, node, only)
        for line in _lines(client, path, node, only, seen):
            seen = line["seq"]
            yield line
        if ended:
            return
        time.sleep(POLL_SECONDS)


def _has_ended(client: ServiceClient, path: str, node: str, only: dict[str, object]) -> bool:
    from flowrun.cli.watch import FINAL  # noqa: PLC0415

    if client.get(path)["status"] in FINAL:
        return True  # It may have ended before it reached the node.
    run = client.get(f"{path}/nodes/{quote(node, safe='')}", iteration=only["iteration"])
    return run["status"] in _FINAL


def _print(line: Line, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(line, ensure_ascii=False))
        return
    moment = out.parse_time(line["at"]).astimezone().strftime("%H:%M:%S.%f")[:-3]
    attempt = f"  {click.style('attempt ' + str(line['attempt']), fg='yellow')}" if line["attempt"] > 1 else ""
    click.echo(f"{click.style(moment, dim=True)}{attempt}  {out.printable(line['text'])}")
