"""The payloads of an execution's nodes, put together from the events that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.persistence.json_text import load

RunKey = tuple[str, str]
"""Node id and iteration."""
Row = Mapping[Any, Any]
_NEVER_RAN = frozenset({"pending", "skipped"})


@dataclass(slots=True)
class Payloads:
    """Inputs, outputs and errors of node runs; `data` holds the events' JSON by number, event 1 among them."""

    runs: Mapping[RunKey, Row]
    """Rows of `node_executions`."""
    data: Mapping[int, JsonObject]
    items: Mapping[RunKey, JsonValue] = field(default_factory=dict)
    """What a loop's iterations were given, by the loop's id and the iteration."""
    _inputs: dict[RunKey, JsonValue] = field(default_factory=dict)

    def result(self, row: Row) -> JsonObject:
        """The own fields of the event that holds the output or the latest error."""
        return self.data.get(row["result_seq"] or 0, {})

    def output(self, row: Row) -> JsonValue:
        """What the node gave; None unless it is completed."""
        return self.result(row).get("output") if row["status"] == "completed" else None

    def error(self, row: Row) -> JsonValue:
        """The error that it failed with, or the latest one of a node that is tried again."""
        return self.result(row).get("error")

    @property
    def execution_input(self) -> JsonValue:
        """The input of the execution: its own, or the trigger's body."""
        return input_of(self.data.get(1, {}))

    def input(self, row: Row) -> JsonValue:
        """What the node was given; None for one that never ran."""
        if row["status"] in _NEVER_RAN:
            return None
        key = (row["node_id"], row["iteration"])
        for missing in self._unknown_before(key):
            self._inputs[missing] = self._joined(self.runs[missing])
        return self._inputs[key]

    def _unknown_before(self, key: RunKey) -> list[RunKey]:
        """The run and the ones whose input it carries on (`error_output`), the farthest first."""
        found, todo = [], [key]
        while todo:
            current = todo.pop()
            if current in self._inputs or current in found or current not in self.runs:
                continue
            found.append(current)
            row = self.runs[current]
            todo += [(node, current[1]) for node in sources(row) if self._carries_input((node, current[1]))]
        return found[::-1]

    def _carries_input(self, key: RunKey) -> bool:
        row = self.runs.get(key)
        return row is not None and row["status"] != "completed" and row["handling"] == "error_output"

    def _joined(self, row: Row) -> JsonValue:
        parents = sources(row)
        if not parents:
            return self.execution_input
        if len(parents) == 1:
            return self._payload((parents[0], row["iteration"]))
        return {node: self._payload((node, row["iteration"])) for node in parents}

    def _payload(self, key: RunKey) -> JsonValue:
        """What a taken edge out of a run carries."""
        row = self.runs.get(key)
        if row is None:  # The run is the first of a loop's body: the loop itself runs in the scope around it.
            return self.items.get(key)
        if row["status"] == "completed":
            return self.output(row)
        if row["handling"] == "error_output":
            return {"error": self.error(row), "input": self._inputs.get(key)}
        return self.error(row)


def items_of(events: Iterable[Row]) -> dict[RunKey, JsonValue]:
    """The items of loops, from the events that began their iterations."""
    found: dict[RunKey, JsonValue] = {}
    for event in events:
        if event["type"] == "IterationStarted":
            data: JsonObject = load(event["data"])
            iteration = f"{event['iteration']}.{data['index']}".removeprefix(".")
            found[event["node_id"], iteration] = data.get("item")
    return found


def input_of(created: JsonObject) -> JsonValue:
    """The execution's input, from the fields of its first event."""
    given = created.get("input")
    if given is not None:
        return given
    trigger = created.get("trigger")
    return trigger.get("body") if isinstance(trigger, dict) else None


def sources(row: Row) -> list[str]:
    """The parents whose payload was the input."""
    found: list[str] = load(row["sources"]) or []
    return found


def needed(runs: Mapping[RunKey, Row], key: RunKey) -> set[int]:
    """The numbers of the events that one run's payloads take, event 1 among them."""
    seen, todo, numbers = {key}, [key], {1}
    while todo:
        current = todo.pop()
        row = runs.get(current)
        if row is None:
            continue
        if row["result_seq"] is not None:
            numbers.add(row["result_seq"])
        # A parent's payload is in its own result; only an error path carries on what was before it.
        if current == key or row["handling"] == "error_output":
            parents = {(node, current[1]) for node in sources(row)} - seen
            seen |= parents
            todo += parents
    return numbers
