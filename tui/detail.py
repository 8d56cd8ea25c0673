"""What is known of the one execution that is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

MOST_EVENTS = 2_000
"""Events that are held; of a longer history the latest."""
MOST_RUNS = 5_000
"""Node runs that are held: those of loops beyond it are counted, not shown."""
_LOUDEST = ("running", "retrying", "queued", "waiting", "failed", "timed_out", "cancelled", "completed", "skipped")
_TOLD = ("taken", "total")
"""Where a node went on to, and over how many items a loop goes."""
Document = dict[str, Any]
RunKey = tuple[str, str]
"""Node id and iteration; the iteration is empty outside loops."""


class Detail:
    """One execution: its definition, node runs, events, and what is selected of it."""

    def __init__(self, tenant: str, execution: str) -> None:
        self.tenant = tenant
        self.id = execution
        self.execution: Document | None = None
        self.definition: Document | None = None
        self.runs: dict[RunKey, Document] = {}
        self.events: list[Document] = []
        self.last_seq = 0
        self.selected: RunKey | None = None
        self.payload: Document | None = None
        """The selected node run with its input and output, as last read."""
        self.logs: list[Document] = []
        """What the selected node run has logged, the latest lines."""
        self.missing: str | None = None
        """Why there is nothing to show."""

    def put_execution(self, document: Mapping[str, Any]) -> None:
        """Take what is new of the execution."""
        self.execution = {**(self.execution or {}), **document}
        if "progress" in document and "nodes" not in document:
            self.execution.pop("nodes", None)  # What a list said of its progress before.

    def put_runs(self, runs: Iterable[Document]) -> set[RunKey]:
        """Take node runs; gives those that changed."""
        changed = set()
        for run in runs:
            key = (str(run["node_id"]), str(run.get("iteration") or ""))
            known = self.runs.get(key)
            if known is None and len(self.runs) >= MOST_RUNS:
                continue
            merged = {**(known or {}), **run}
            if merged != known:
                self.runs[key] = merged
                changed.add(key)
        return changed

    def replace_runs(self, runs: Iterable[Document]) -> None:
        """Take all node runs as they are now, and keep what only the events say."""
        told = {key: {name: run[name] for name in _TOLD if name in run} for key, run in self.runs.items()}
        self.runs = {}
        self.put_runs(runs)
        for key in told.keys() & self.runs.keys():
            self.runs[key] |= told[key]
        if self.selected is not None and self.selected not in self.runs:
            self.selected = None

    def put_events(self, events: Iterable[Document]) -> list[Document]:
        """Take events; those that are known already are left out. Gives the new ones."""
        fresh = [event for event in events if event["seq"] > self.last_seq]
        if fresh:
            self.events += fresh
            self.last_seq = fresh[-1]["seq"]
            del self.events[:-MOST_EVENTS]
        return fresh

    @property
    def run(self) -> Document | None:
        """The selected node run."""
        return None if self.selected is None else self.runs.get(self.selected)

    @property
    def called(self) -> str | None:
        """The execution that the selected node has started; one that doesn't wait for it has it as its output."""
        run, payload = self.run or {}, self.payload or {}
        output = payload.get("output") if run.get("type") == "workflow" else None
        called = run.get("called") or (output.get("execution_id") if isinstance(output, dict) else None)
        return None if called is None else str(called)

    def statuses(self) -> dict[str, Document]:
        """By node, the run that stands for it in the graph: of a loop's many, what is most worth seeing."""
        found: dict[str, Document] = {}
        for (node, _), run in self.runs.items():
            other = found.get(node)
            if other is None or _rank(run) < _rank(other):
                found[node] = run
        return found

    def active(self) -> RunKey | None:
        """The node run to follow: what runs, else what will run, else what ended last."""
        live = [key for key, run in self.runs.items() if run.get("status") in {"running", "retrying"}]
        live = live or [key for key, run in self.runs.items() if run.get("status") in {"waiting", "queued"}]
        if live:
            return max(live, key=lambda key: str(self.runs[key].get("started_at") or ""))
        # Backwards: of several that ended together the last one in the definition counts.
        ended = [key for key, run in reversed(self.runs.items()) if run.get("finished_at")]
        ended = [key for key in ended if self.runs[key].get("status") != "skipped"] or ended
        failed = [key for key in ended if self.runs[key].get("status") in {"failed", "timed_out"}]
        return max(failed or ended, key=lambda key: str(self.runs[key].get("finished_at")), default=None)

    def first_run(self, node: str) -> RunKey | None:
        """The run that stands for a node."""
        run = self.statuses().get(node)
        return None if run is None else (node, str(run.get("iteration") or ""))


def _rank(run: Mapping[str, Any]) -> int:
    status = run.get("status")
    return _LOUDEST.index(status) if status in _LOUDEST else len(_LOUDEST)
