"""The demo's story as a picture of the graph, for a terminal with colours."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.align import Align
from rich.box import ROUNDED
from rich.console import Console, Group, RenderableType
from rich.highlighter import JSONHighlighter
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from flowrun.cli import demo_story as tell
from flowrun.cli import output as out
from flowrun.cli.demo_story import Document, Story

WIDTH = 96
"""Columns that the picture takes; a narrower terminal gets plain lines."""
GAP = 2
_KIND_STYLES = {"webhook": "magenta", "decision": "yellow", "http": "cyan", "respond": "magenta"}


def print_story(story: Story) -> None:
    """Draw the whole story."""
    console = Console(highlight=False)
    parts: list[RenderableType] = [Text(), _head(story), Text()]
    previous: Sequence[Document] = ()
    for step in story.steps():
        if previous:
            parts.append(_connector(len(previous), len(step)))
        parts.append(_row(story, step))
        previous = step
    if saved := story.side_by_side():
        parts += [Text(), Text(saved, style="italic cyan", justify="center")]
    parts += [Text(), _answer(story)]
    console.print(Padding(Group(*parts), (0, 1), expand=False), width=WIDTH + 2)


def print_farewell(story: Story) -> None:
    """Print how to look further while the service runs."""
    console = Console(highlight=False)
    rows = Table.grid(padding=(0, 2))
    rows.add_row("", Text(f"export FLOWRUN_SOCKET={story.socket} FLOWRUN_TENANT=demo", style="bold"))
    for purpose, command in story.commands():
        rows.add_row(Text(purpose, style="dim"), Text(command, style="bold"))
    # Never wrapped: a command is there to be copied.
    title = Rule(Text("Look further, in another terminal", style="bold"), align="left", style="dim")
    console.print()
    console.print(Padding(title, (0, 1)), width=WIDTH + 2)
    console.print(Padding(rows, (0, 1)), soft_wrap=True)
    console.print(Padding(Text("Ctrl-C ends the demo and deletes its data.", style="dim"), (1, 1, 0, 1)))


def _head(story: Story) -> RenderableType:
    execution = story.execution
    spent = out.duration(execution.get("started_at"), execution.get("finished_at"))
    state = Text(out.state(execution["status"]), style=f"bold {out.COLOURS.get(execution['status'], '')}".strip())
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_row("service", Text.assemble((f"{story.url}   ", "bold"), (f"socket {story.socket}", "dim")))
    facts.add_row("workflows", Text(", ".join(story.workflows)))
    facts.add_row("webhook", Text.assemble(("POST ", "bold"), story.path, (f"   {_request(story)}", "dim")))
    run = Text.assemble((execution["workflow_id"], "bold"), "  ", state, f" in {spent}  ", (execution["id"], "dim"))
    facts.add_row("execution", run)
    return Group(Rule(Text("flowrun demo", style="bold"), align="left", style="dim"), facts)


def _request(story: Story) -> str:
    return f"a GitHub push, {tell.size(story.request_bytes)}"


def _row(story: Story, step: Sequence[Document]) -> RenderableType:
    width = _panel_width(len(step))
    row = Table.grid(padding=(0, GAP, 0, 0))
    row.add_row(*(_panel(story, node, width) for node in step))
    return row


def _panel_width(count: int) -> int:
    return WIDTH if count == 1 else (WIDTH - GAP * (count - 1)) // count


def _panel(story: Story, node: Document, width: int) -> Panel:
    room = width - 8
    lines: list[RenderableType] = []
    if node["type"] == "webhook":
        lines.append(_line("in", Text(f"POST {story.path}, {_request(story)}")))
    else:
        lines.append(_line("in", _json(tell.given(node), room)))
    passed_on = tell.passed_on(node)
    lines.append(_line("out", Text("the same", style="dim") if passed_on else _json(tell.result(node), room, lines=2)))
    lines += [
        _line("", Text(f"not taken: {skipped['node_id']} ({skipped['type']})", style="dim"))
        for skipped in story.skipped_after(node)
    ]
    colour = out.COLOURS.get(node["status"], "white")
    title = Text.assemble(
        (f"{node['node_id']}  ", "bold white"), (node["type"], _KIND_STYLES.get(node["type"], "blue"))
    )
    way = f"→ {way}  " if (way := story.way_taken(node)) else ""
    subtitle = Text.assemble((way, "bold yellow"), (out.state(node["status"]), colour), f"  {tell.took(node)}")
    return Panel(
        Group(*lines),
        title=title,
        title_align="left",
        subtitle=subtitle,
        subtitle_align="right",
        box=ROUNDED,
        border_style="bright_black",
        width=width,
    )


def _line(label: str, value: Text) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=3, style="dim")
    grid.add_column(overflow="fold")
    grid.add_row(label, value)
    return grid


def _json(text: str, room: int, lines: int = 1) -> Text:
    """A JSON text in colours, on so many lines of so many characters at most."""
    shown = Text(text[: room * lines])
    JSONHighlighter().highlight(shown)
    wrapped = shown.wrap(Console(width=room), room, overflow="fold")
    kept = wrapped[:lines]
    if len(wrapped) > lines or len(text) > room * lines:
        kept[-1].truncate(room - 1)
        kept[-1].append("…")
    return Text("\n").join(kept)


def _connector(sources: int, targets: int) -> RenderableType:
    if sources == targets == 1:
        return Align.center(Text("│", style="bright_black"), width=WIDTH)
    marks = dict.fromkeys(_centres(sources), "above")
    for position in _centres(targets):
        marks[position] = "both" if position in marks else "below"
    start, end = min(marks), max(marks)
    line = [" "] * WIDTH
    line[start : end + 1] = "─" * (end - start + 1)
    corners = {(start, "below"): "╭", (end, "below"): "╮", (start, "above"): "╰", (end, "above"): "╯"}
    for position, mark in marks.items():
        line[position] = corners.get((position, mark)) or {"above": "┴", "below": "┬", "both": "┼"}[mark]
    return Text("".join(line), style="bright_black")


def _centres(count: int) -> list[int]:
    width = _panel_width(count)
    return [index * (width + GAP) + width // 2 for index in range(count)]


def _answer(story: Story) -> RenderableType:
    answer = story.answer
    style = "green" if answer.status < 400 else "red"
    headers = Text("\n".join(f"{name}: {value}" for name, value in answer.headers.items()), style="dim")
    body = Text(json.dumps(answer.body, indent=2, ensure_ascii=False))
    JSONHighlighter().highlight(body)
    title = Text.assemble((f"{answer.status} {answer.reason}", f"bold {style}"))
    note = Text(f"answered after {out.spell_seconds(answer.seconds)}", style="dim")
    return Panel(
        Group(headers, Text(), body),
        title=title,
        title_align="left",
        subtitle=note,
        subtitle_align="right",
        box=ROUNDED,
        border_style=style,
        width=WIDTH,
    )
