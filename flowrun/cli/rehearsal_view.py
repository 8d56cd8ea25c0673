"""Shows what came of test cases: a line for each, and of a failed one what differs and what each node did."""

from __future__ import annotations

import json
from collections.abc import Sequence
from difflib import ndiff
from typing import TYPE_CHECKING

import click

from flowrun.cli import output as out
from flowrun.formats.duration import format_duration

if TYPE_CHECKING:
    from flowrun.cli.rehearse import FileRun
    from flowrun.domain.json import JsonValue
    from flowrun.rehearsal.matching import Mismatch
    from flowrun.rehearsal.record import NodeRecord
    from flowrun.rehearsal.rehearse import Verdict

_NARROW = 100
"""Characters of a value that still stands on the line of its label."""
_LONGEST_DIFF = 60
"""Lines."""
_MOST_NODES = 40


def print_file(run: FileRun) -> None:
    """Print a file's cases."""
    click.echo(click.style(str(run.file.path), bold=True))
    for issue in run.file.issues:
        click.echo(f"  {click.style('✗', fg='red')} {out.printable(str(issue))}")
    names = [_name(verdict) for verdict, _ in run.verdicts]
    width = max(map(len, names), default=0)
    for name, (verdict, milliseconds) in zip(names, run.verdicts, strict=True):
        mark = click.style("✓", fg="green") if verdict.passed else click.style("✗", fg="red")
        times = f"{format_duration(verdict.took)!s:>8}  {milliseconds:6.1f} ms"
        click.echo(f"  {mark} {name.ljust(width)}  {click.style(times, dim=True)}")
        if not verdict.passed:
            _print_failure(verdict)


def print_sum(done: Sequence[FileRun], seconds: float) -> None:
    """Print how many passed, in how many files, and how long all of it took."""
    passed = sum(verdict.passed for run in done for verdict, _ in run.verdicts)
    failed = sum(not verdict.passed for run in done for verdict, _ in run.verdicts)
    wrong = sum(bool(run.file.issues) for run in done)
    bare = sum(not run.file.issues and not run.file.cases for run in done)
    parts = [click.style(f"{passed} passed", fg="green" if not failed + wrong else None)]
    parts += [click.style(f"{failed} failed", fg="red")] if failed else []
    parts += [click.style(out.spell_count(wrong, "file") + " not valid", fg="red")] if wrong else []
    parts += [out.spell_count(bare, "file") + " without tests"] if bare else []
    click.echo(f"\n{', '.join(parts)}  {click.style(f'({out.spell_seconds(seconds)})', dim=True)}")


def _name(verdict: Verdict) -> str:
    return out.printable(verdict.case.name)


def _print_failure(verdict: Verdict) -> None:
    for problem in verdict.problems:
        click.echo(f"      {click.style(out.printable(problem), fg='red')}")
    for mismatch in verdict.mismatches:
        _print_mismatch(mismatch)
    if verdict.nodes:
        click.echo()
        _print_nodes(verdict.nodes)
    click.echo()


def _print_mismatch(mismatch: Mismatch) -> None:
    note = f"  ({out.printable(mismatch.note)})" if mismatch.note else ""
    click.echo(f"      {click.style(out.printable(mismatch.path), fg='yellow')}{note}")
    expected, actual = _line(mismatch.expected), _line(mismatch.actual)
    if max(len(expected), len(actual)) <= _NARROW:
        click.echo(f"        {click.style('expected', fg='green')}  {expected}")
        click.echo(f"        {click.style('actual', fg='red')}    {actual}")
        return
    lines = [line for line in ndiff(_lines(mismatch.expected), _lines(mismatch.actual)) if line[0] != "?"]
    click.echo(f"        {click.style('- expected', fg='green')}  {click.style('+ actual', fg='red')}")
    for line in lines[:_LONGEST_DIFF]:
        colour = {"-": "green", "+": "red"}.get(line[0])
        click.echo("        " + click.style(out.printable(line), fg=colour))
    if len(lines) > _LONGEST_DIFF:
        click.echo(f"        … {len(lines) - _LONGEST_DIFF} more lines")


def _line(value: JsonValue) -> str:
    return out.printable(json.dumps(value, ensure_ascii=False))


def _lines(value: JsonValue) -> list[str]:
    return json.dumps(value, ensure_ascii=False, indent=2).splitlines()


def _print_nodes(nodes: Sequence[NodeRecord]) -> None:
    rows = [(one.label, out.state(one.status), _at(one), str(one.attempts or ""), _result(one)) for one in nodes]
    shown = [("NODE", "STATUS", "AT", "TRIES", "RESULT"), *rows[:_MOST_NODES]]
    widths = [max(len(row[column]) for row in shown) for column in range(4)]
    for number, row in enumerate(shown):
        cells = [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]
        click.echo(click.style("      " + "  ".join(cells).rstrip(), dim=number == 0))
    if len(rows) > _MOST_NODES:
        click.echo(f"      … {len(rows) - _MOST_NODES} more")


def _at(record: NodeRecord) -> str:
    return "" if record.began is None else str(format_duration(record.began / 1000))


def _result(record: NodeRecord) -> str:
    if record.error is not None:
        return out.printable(f"{record.error.get('type')}: {record.error.get('message')}")[:_NARROW]
    return out.printable(record.skip_reason) if record.skip_reason else out.shorten(record.output, 70)
