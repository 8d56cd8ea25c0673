"""`flowrun executions pause`, `cancel` and so on: direct an execution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from flowrun.cli import output as out
from flowrun.cli.options import output_option, read_json_argument, service_options, tenant_option, tenant_path

if TYPE_CHECKING:
    from flowrun.cli.client import ServiceClient

_HELP = {
    "pause": "Let no new node start; what runs ends.",
    "resume": "Let a paused execution go on.",
    "cancel": "Stop an execution; running nodes are told to stop.",
    "terminate": "Stop an execution at once.",
    "retry": "Run what failed again, in the same execution; what is completed keeps its results.",
}
_WITH_REASON = frozenset({"pause", "cancel", "terminate"})


def _by_id(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    # Another execution may have begun since the user looked.
    if value == "latest":
        raise click.BadParameter("'latest' is for looking only: name the execution that you mean by its id.")
    return value


_execution = click.argument("execution", callback=_by_id)


def _simple(name: str) -> click.Command:
    @click.command(name, help=f"{_HELP[name]}\n\nExample: flowrun executions {name} EXECUTION")
    @_execution
    @tenant_option
    @service_options
    @output_option
    def run(client: ServiceClient, execution: str, tenant: str, output: str, reason: str | None = None) -> None:
        body = {"reason": reason} if reason else {}
        document = client.post(tenant_path(tenant, "executions", execution, name), body)
        _print_outcome(document, output, f"{execution}: {name} accepted")

    if name in _WITH_REASON:
        run = click.option("--reason", metavar="TEXT", help="Why; it is recorded.")(run)
    return run


@click.command()
@_execution
@click.option("--from-node", metavar="NODE", help="Take over what was done before this node, and begin there.")
@click.option("--version", type=click.Choice(["original", "current"]), help="Which version of the workflow to run.")
@click.option("--input", "-i", "given", metavar="JSON", help="Another input: JSON, @FILE, or - for standard input.")
@tenant_option
@service_options
@output_option
def rerun(
    client: ServiceClient, execution: str, tenant: str, given: str | None, output: str, **options: str | None
) -> None:
    """Start a new execution like an old one.

    Example: flowrun executions rerun EXECUTION --version current
    """
    body: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if given is not None:
        body["input"] = read_json_argument(given, "--input")
    document = client.post(tenant_path(tenant, "executions", execution, "rerun"), body)
    _print_outcome(document, output, str(document["execution_id"]))


@click.command("skip-node")
@_execution
@click.argument("node")
@click.option(
    "--output-value", "value", default="null", metavar="JSON", help="Its output: JSON, @FILE, or - for standard input."
)
@click.option("--port", help="Which edges follow, as `approved`; by default those that follow a success.")
@click.option("--iteration", default="", metavar="N", help="Of a node in a loop: which iteration.")
@tenant_option
@service_options
@output_option
def skip_node(
    client: ServiceClient,
    execution: str,
    node: str,
    value: str,
    port: str | None,
    iteration: str,
    tenant: str,
    output: str,
) -> None:
    """Complete a stuck node by hand, with an output of your own.

    Example: flowrun executions skip-node EXECUTION charge --output-value '{"charged": false}'
    """
    body = {"output": read_json_argument(value, "--output-value"), "iteration": iteration}
    if port is not None:
        body["port"] = port
    document = client.post(tenant_path(tenant, "executions", execution, "nodes", node, "skip"), body)
    _print_outcome(document, output, f"{execution}: {node} is completed")


@click.command()
@_execution
@tenant_option
@service_options
def delete(client: ServiceClient, execution: str, tenant: str) -> None:
    """Delete an ended execution, with its history, its node runs and their logs.

    Example: flowrun executions delete EXECUTION
    """
    client.ask("DELETE", tenant_path(tenant, "executions", execution))
    click.echo(f"{execution} is deleted")


def _print_outcome(document: object, output: str, line: str) -> None:
    if output == "json":
        out.print_json(document)
    else:
        click.echo(line)


COMMANDS = (*(_simple(name) for name in _HELP), rerun, skip_node, delete)
