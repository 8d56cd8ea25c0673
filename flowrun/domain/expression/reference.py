"""Writes the tables of functions and methods that docs/expressions.md holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flowrun.domain.expression.functions import GROUPS
from flowrun.domain.expression.methods import METHODS
from flowrun.domain.expression.table import FunctionSpec


def reference() -> str:
    """Return the tables in Markdown, one for each group."""
    parts = ["## Functions"]
    for group in GROUPS:
        parts += [f"### {group.title}", _table(group.functions, "")]
    parts.append("## Methods")
    for kind, methods in _by_kind().items():
        parts += [f"### Methods of {kind}", _table(methods.values(), ".")]
    return "\n\n".join(parts) + "\n"


def _by_kind() -> Mapping[str, Mapping[str, FunctionSpec]]:
    return {"text": METHODS[str], "lists": METHODS[list], "objects": METHODS[dict]}


def _table(functions: Iterable[FunctionSpec], prefix: str) -> str:
    rows = ["| Call | Result | Example |", "|---|---|---|"]
    for function in functions:
        call = f"`{prefix}{function.name}{function.signature}`"
        rows.append(f"| {call} | {_cell(function.doc)} | `{_cell(function.example)}` |")
    return "\n".join(rows)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
