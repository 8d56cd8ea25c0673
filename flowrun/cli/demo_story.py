"""What the demo has to tell: one run of a workflow, ordered for showing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flowrun.cli import output as out

if TYPE_CHECKING:
    from flowrun.domain.definition import EdgeDefinition

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller of the webhook got. `seconds` is the time it waited."""

    status: int
    reason: str
    headers: dict[str, str]
    body: object
    seconds: float


@dataclass(frozen=True, slots=True)
class Story:
    """One run: the request, the nodes, the answer, and where all this happened."""

    url: str
    socket: str
    workflows: tuple[str, ...]
    path: str
    request_bytes: int
    execution: Document
    nodes: tuple[Document, ...]
    edges: tuple[EdgeDefinition, ...]
    answer: Answer

    @property
    def succeeded(self) -> bool:
        """Whether everything went as the demo says it does."""
        return self.execution["status"] == "completed" and self.answer.status == 201

    def steps(self) -> list[list[Document]]:
        """The nodes that ran, in steps: those of one step have all their ancestors in earlier ones."""
        ran = {node["node_id"]: node for node in self.nodes if node["status"] not in {"skipped", "pending"}}
        depth: dict[str, int] = {}
        for _ in ran:
            for node_id in ran:
                parents = [
                    depth.get(edge.source, 0) for edge in self.edges if edge.target == node_id and edge.source in ran
                ]
                depth[node_id] = max(parents) + 1 if parents else 0
        rows: list[list[Document]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
        for node_id, node in ran.items():
            rows[depth[node_id]].append(node)
        return rows

    def way_taken(self, node: Document) -> str:
        """The ports of a decision that were taken, as text; empty for other nodes."""
        ran = {one["node_id"] for one in self.nodes if one["status"] != "skipped"}
        ports = [
            edge.source_handle
            for edge in self.edges
            if edge.source == node["node_id"] and edge.source_handle and edge.target in ran
        ]
        return ", ".join(dict.fromkeys(ports))

    def skipped_after(self, node: Document) -> list[Document]:
        """The nodes that a decision left out."""
        targets = {edge.target for edge in self.edges if edge.source == node["node_id"]}
        return [one for one in self.nodes if one["status"] == "skipped" and one["node_id"] in targets]

    def side_by_side(self) -> str:
        """What running two calls at once saved, in a sentence; empty when there was nothing to save."""
        parallel = next((step for step in self.steps() if len(step) > 1), [])
        spans = [
            (out.parse_time(n["started_at"]), out.parse_time(n["finished_at"])) for n in parallel if n["started_at"]
        ]
        if len(spans) < 2:
            return ""
        alone = sum((end - start).total_seconds() for start, end in spans)
        together = (max(end for _, end in spans) - min(start for start, _ in spans)).total_seconds()
        names = " and ".join(str(node["node_id"]) for node in parallel)
        return f"{names} ran side by side: {out.spell_seconds(together)} instead of {out.spell_seconds(alone)}"

    def commands(self) -> Sequence[tuple[str, str]]:
        """How to look further: what for, and the command."""
        return (
            ("watch it live", "flowrun dashboard"),
            ("every input and output", f"flowrun executions show {self.execution['id']} --full"),
            ("the history", f"flowrun executions history {self.execution['id']}"),
            ("start another", 'flowrun start order-intake --input \'{"order_id": 7, "lines": []}\' --wait'),
            ("call another", f"curl '{self.url}/webhooks/demo/hello?name=you'"),
        )


def given(node: Document) -> str:
    """A node's input on one line."""
    return out.shorten(node.get("input"), 2000)


def result(node: Document) -> str:
    """A node's output or error on one line; of an HTTP answer without its headers."""
    if node.get("error"):
        return out.shorten({name: node["error"].get(name) for name in ("type", "message")}, 2000)
    output = node.get("output")
    if node["type"] in {"http", "respond"} and isinstance(output, dict):
        output = {name: value for name, value in output.items() if name != "headers"}
    return out.shorten(output, 2000)


def passed_on(node: Document) -> bool:
    """Whether a node gave on what it was given."""
    return node["type"] != "webhook" and node.get("output") == node.get("input")


def took(node: Document) -> str:
    """How long a node's last attempt took."""
    return out.duration(node.get("started_at"), node.get("finished_at"))


def size(count: int) -> str:
    """A number of bytes as people say it."""
    return f"{count} bytes" if count < 1000 else f"{count / 1000:.1f} kB"
