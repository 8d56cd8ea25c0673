"""The demo's story as plain lines, for pipes, logs and narrow terminals."""

from __future__ import annotations

import json

import click

from flowrun.cli import demo_story as tell
from flowrun.cli import output as out
from flowrun.cli.demo_story import Document, Story

WIDTH = 100


def print_story(story: Story) -> None:
    """Print the whole story."""
    execution = story.execution
    click.echo(f"service    {story.url}  socket {story.socket}")
    click.echo(f"workflows  {', '.join(story.workflows)}")
    click.echo(f"webhook    POST {story.path}  GitHub push, {tell.size(story.request_bytes)}")
    spent = out.duration(execution.get("started_at"), execution.get("finished_at"))
    click.echo(f"execution  {execution['id']}  {execution['workflow_id']}  {execution['status']} in {spent}")
    click.echo()
    for step in story.steps():
        for node in step:
            _print_node(story, node, "=" if len(step) > 1 else "-")
    if saved := story.side_by_side():
        click.echo(f"\n{saved}")
    click.echo()
    _print_answer(story)


def _print_node(story: Story, node: Document, mark: str) -> None:
    way = f"  -> {way}" if (way := story.way_taken(node)) else ""
    click.echo(f"{mark} {node['node_id']:<12} {node['type']:<11} {node['status']:<10} {tell.took(node)}{way}")
    if node["type"] != "webhook":
        click.echo(f"    in   {_cut(tell.given(node))}")
    click.echo(f"    out  {'the same' if tell.passed_on(node) else _cut(tell.result(node))}")
    for skipped in story.skipped_after(node):
        click.echo(f"    not taken: {skipped['node_id']} ({skipped['type']})")


def _print_answer(story: Story) -> None:
    answer = story.answer
    click.echo(f"answer     {answer.status} {answer.reason} after {out.spell_seconds(answer.seconds)}")
    for name, value in answer.headers.items():
        click.echo(f"    {name}: {value}")
    for line in json.dumps(answer.body, indent=2, ensure_ascii=False).splitlines():
        click.echo(f"    {line}")


def print_farewell(story: Story) -> None:
    """Print how to look further while the service runs."""
    click.echo("\nlook further, in another terminal:")
    click.echo(f"    export FLOWRUN_SOCKET={story.socket} FLOWRUN_TENANT=demo")
    for _, command in story.commands():
        click.echo(f"    {command}")
    click.echo("\nCtrl-C ends the demo and deletes its data.")


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"
