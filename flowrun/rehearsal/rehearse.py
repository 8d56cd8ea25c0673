"""Runs one test case of a workflow, and judges what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from flowrun.domain.definition import WorkflowDefinition
from flowrun.domain.execution import Execution
from flowrun.domain.expression import ExpressionError
from flowrun.domain.graph import compile_graph
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import NodeTypes
from flowrun.errors import InvalidInputError
from flowrun.formats.cases import FILTERED, Case, Expectation, split_label
from flowrun.formats.duration import format_duration
from flowrun.formats.fields import join_path
from flowrun.rehearsal.beginning import beginning
from flowrun.rehearsal.matching import Mismatch, mismatches
from flowrun.rehearsal.player import Player
from flowrun.rehearsal.record import NodeRecord, recorded


@dataclass(slots=True)
class Verdict:
    """What came of a case."""

    case: Case
    status: str | None = None
    """None when it could not start."""
    took: float = 0.0
    """Seconds of virtual time."""
    problems: list[str] = field(default_factory=list)
    """What kept it from being played to its end."""
    mismatches: list[Mismatch] = field(default_factory=list)
    nodes: list[NodeRecord] = field(default_factory=list)
    """What each node did, in the order in which they began."""

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.problems and not self.mismatches


async def rehearse(case: Case, definition: WorkflowDefinition, types: NodeTypes) -> Verdict:
    """Run a case of a valid workflow: the real decisions, no service, no input or output."""
    definition = replace(definition, variables={**definition.variables, **case.variables})
    graph = compile_graph(definition, 1, types)
    verdict = Verdict(case)
    try:
        start = beginning(case, graph, definition)
    except (InvalidInputError, ExpressionError) as error:
        issues = error.issues if isinstance(error, InvalidInputError) else ()
        verdict.problems.append("; ".join([f"it cannot start: {error}", *map(str, issues)]))
        return verdict
    if start is None:
        verdict.status = FILTERED
        verdict.mismatches += _differences(case.expect, {"status": FILTERED}, verdict)
        return verdict
    player = Player(case, graph, types)
    await player.play(start)
    execution = player.execution
    verdict.status, verdict.problems = execution.status.value, player.problems
    verdict.took = ((execution.finished_at or player.now) - case.now) / 1000
    verdict.nodes = recorded(graph, player.history, player.params)
    if not verdict.problems:
        verdict.mismatches += _differences(case.expect, _document(execution), verdict)
    return verdict


def _document(execution: Execution) -> JsonObject:
    """What can be expected of the execution."""
    return {
        "status": execution.status.value,
        "output": execution.output,
        "error": execution.error,
        "response": execution.response,
    }


def _differences(expect: Expectation, actual: JsonObject, verdict: Verdict) -> Iterator[Mismatch]:
    for key, value in expect.execution.items():
        yield from mismatches(value, actual.get(key), key)
    if expect.path is not None:
        ran = [record.node for record in verdict.nodes if record.ran]
        if ran != list(expect.path):
            yield Mismatch("path", list(expect.path), list(ran))
    if expect.took is not None and round(expect.took * 1000) != round(verdict.took * 1000):
        yield Mismatch("took", format_duration(expect.took), format_duration(verdict.took))
    for label, wanted in expect.nodes.items():
        for record in _meant(label, verdict.nodes):
            yield from mismatches(wanted, record.document, join_path("nodes", record.node) + _place(record))


def _place(record: NodeRecord) -> str:
    return f"[{record.iteration}]" if record.iteration else ""


def _meant(label: str, records: list[NodeRecord]) -> list[NodeRecord]:
    """The runs that a label means: without an iteration every run of the node; one that never began is pending."""
    node, iteration = split_label(label)
    found = [one for one in records if one.node == node and iteration in {"", one.iteration}]
    return found or [NodeRecord(node, "", iteration)]
