"""How one execution is shown on the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from flowrun.cli import output as out

Document = Mapping[str, Any]


def print_execution(execution: Document, nodes: Sequence[Document], *, full: bool) -> None:
    """Print the execution, then its nodes in the order in which they ran."""
    _print_head(execution)
    click.echo()
    if full:
        for node in nodes:
            _print_node(node)
    else:
        rows = [_row(node) for node in nodes]
        out.print_table(("node", "type", "status", "tries", "took", "output"), rows, empty="No node has run yet.")


def print_result(execution: Document) -> None:
    """Print what an execution has come to: its output, or its error."""
    if execution.get("error"):
        click.echo(f"{out.styled_state(execution['status'])}  {error_line(execution['error'])}", err=True)
    else:
        out.print_json(execution.get("output"))


def error_line(error: Document) -> str:
    """An error object as one line."""
    where = f"{error['node_id']}: " if error.get("node_id") else ""
    return out.printable(f"{where}{error.get('type', 'error')}: {error.get('message', '')}")


def _print_head(execution: Document) -> None:
    facts = {
        "execution": execution["id"],
        "workflow": f"{execution['workflow_id']}  version {execution.get('version', '?')}",
        "status": out.styled_state(execution["status"]),
        "created": out.local_time(execution.get("created_at")),
        "took": out.duration(execution.get("started_at"), execution.get("finished_at")),
    }
    if execution.get("rerun_of"):
        facts["rerun of"] = execution["rerun_of"]
    if execution.get("error"):
        facts["error"] = error_line(execution["error"])
    for name, value in facts.items():
        click.echo(f"{click.style(name.ljust(9), dim=True)}  {value}")


def _row(node: Document) -> tuple[object, ...]:
    return (
        _name(node),
        node["type"],
        out.state(node["status"]),
        node.get("attempt") or "",
        out.duration(node.get("started_at"), node.get("finished_at")),
        _outcome(node),
    )


def _name(node: Document) -> str:
    return f"{node['node_id']}[{node['iteration']}]" if node.get("iteration") else str(node["node_id"])


def _outcome(node: Document) -> str:
    due = out.local_time(node["due_at"]) if node.get("due_at") else ""
    if node.get("error"):
        again = f"; again at {due}" if due and node["status"] == "retrying" else ""
        return error_line({**node["error"], "node_id": None}) + again
    if node.get("skip_reason"):
        return str(node["skip_reason"])
    if node["status"] == "waiting":
        return _waits_for(node, due)
    if node.get("progress"):
        return str(node["progress"])
    return out.shorten(node.get("output"), 200)


def _waits_for(node: Document, due: str) -> str:
    if node.get("called"):
        return f"for the execution {node['called']}"
    if node["type"] == "wait_for_signal":
        return f"for a signal, at most until {due}" if due else "for a signal"
    return f"until {due}" if due else ""


def _print_node(node: Document) -> None:
    took = out.duration(node.get("started_at"), node.get("finished_at"))
    click.echo(
        f"{click.style(_name(node), bold=True)}  {node['type']}  {out.styled_state(node['status'])}"
        f"{'  ' + took if took else ''}{'  attempt ' + str(node['attempt']) if node.get('attempt', 0) > 1 else ''}"
    )
    if node.get("skip_reason"):
        click.echo(f"  {node['skip_reason']}")
    for part in ("input", "output", "error"):
        if node.get(part) is not None:
            _print_value(part, node[part])
    click.echo()


def _print_value(name: str, value: object) -> None:
    lines = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
    click.echo(f"  {click.style(name.ljust(6), dim=True)}  {out.printable(lines[0])}")
    for line in lines[1:]:
        click.echo(f"          {out.printable(line)}")
