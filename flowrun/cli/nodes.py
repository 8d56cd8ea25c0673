"""`flowrun nodes`: the node types that workflows can use."""

from __future__ import annotations

from typing import Any

import click

from flowrun.cli import output as out
from flowrun.cli.options import output_option
from flowrun.errors import NotFoundError


@click.group()
def nodes() -> None:
    """List and explain node types.

    Example: flowrun nodes show http
    """


@nodes.command("list")
@output_option
def list_nodes(output: str) -> None:
    """List every node type, those of plugins too.

    Example: flowrun nodes list
    """
    from flowrun.nodes.registry import builtin_types  # noqa: PLC0415 - loads every node type

    found = [
        {"type": one.name, "kind": one.kind.value, "worker": one.worker or None, "summary": one.summary}
        for one in builtin_types().with_plugins()
    ]
    if output == "json":
        out.print_json(found)
        return
    rows = [(one["type"], one["kind"], one["worker"], one["summary"]) for one in found]
    out.print_table(("type", "kind", "worker", "summary"), rows, empty="No node types.")


@nodes.command()
@click.argument("node_type", metavar="TYPE")
@output_option
def show(node_type: str, output: str) -> None:
    """Explain a node type: its params, its ports and an example.

    Example: flowrun nodes show decision
    """
    from flowrun.nodes.registry import builtin_types  # noqa: PLC0415 - loads every node type

    types = builtin_types().with_plugins()
    found = types.get(node_type)
    if found is None:
        from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

        close = get_close_matches(node_type, types.names(), n=1)
        hint = f"; did you mean {close[0]!r}?" if close else "; `flowrun nodes list` names them all"
        raise NotFoundError(f"There is no node type {node_type!r}{hint}")
    schema, example = found.schema(), dict(found.example)
    if output == "json":
        out.print_json({"type": found.name, "kind": found.kind.value, "schema": schema, "example": example})
        return
    itself = "run by the engine itself"
    by = {"trigger": "starts an execution", "engine": itself, "loop": itself}
    click.echo(f"{click.style(found.name, bold=True)}  {by.get(found.kind.value, f'run by the {found.worker} worker')}")
    click.echo(f"\n{found.help}\n")
    _print_params(schema)
    ports = found.ports(example)
    click.echo(f"{click.style('Ports', bold=True)}\n  {', '.join((*ports, 'error'))}\n")
    _print_example(found.name, example)


def _print_params(schema: dict[str, Any]) -> None:
    properties = schema.get("properties", {})
    if not properties:
        return
    click.echo(click.style("Params", bold=True))
    width = max(map(len, properties))
    for name, field in properties.items():
        note = click.style("  required", fg="yellow") if name in schema.get("required", ()) else _default(field)
        click.echo(f"  {click.style(name.ljust(width), fg='cyan')}  {field.get('description', '')}{note}")
    click.echo()


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    return "" if default in (None, "", [], {}) else f"  (default {out.shorten(default, 60)})"


def _print_example(name: str, example: dict[str, Any]) -> None:
    import yaml  # noqa: PLC0415 - only here

    node = {"id": f"my-{name.replace('_', '-')}", "type": name, **({"params": example} if example else {})}
    text = yaml.safe_dump([node], sort_keys=False, allow_unicode=True, width=100)
    click.echo(click.style("Example", bold=True))
    click.echo("\n".join(f"  {line}" for line in text.rstrip().splitlines()))
