"""What the test cases of a workflow file say: how it is started, what stands in for the world, what is expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import Failed
from flowrun.errors import Issue

START = 1_767_225_600_000
"""When a case begins that says nothing of it: 2026-01-01T00:00:00Z, in ms since the epoch."""
FILTERED = "filtered"
"""The status of a case whose trigger's filter starts nothing."""


@dataclass(frozen=True, slots=True)
class MockedAttempt:
    """What stands in for one attempt of a node: an output or a failure, after so many seconds."""

    output: JsonValue = None
    failed: Failed | None = None
    ports: tuple[str, ...] = ("main",)
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class CaseSignal:
    """A signal that someone sends: for a node or by name, `after` seconds of its wait or `at` so many of the run."""

    data: JsonValue = None
    node: str | None = None
    iteration: str = ""
    name: str | None = None
    after: float = 0.0
    at: float | None = None
    by: str | None = None

    @property
    def label(self) -> str:
        """What people call it."""
        return f"`{run_label(self.node, self.iteration) if self.node else self.name}`"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What has to be true in the end; what isn't mentioned may be anything."""

    execution: JsonObject
    """Of `status`, `output`, `error` and `response` what was written."""
    nodes: Mapping[str, JsonObject]
    """By the run's label, as in `fetch` or `fetch[2]`."""
    path: tuple[str, ...] | None = None
    """The nodes that ran, in their order."""
    took: float | None = None
    """Seconds of virtual time."""


@dataclass(frozen=True, slots=True)
class Case:
    """One test case of a workflow."""

    name: str
    path: str
    """Where it stands in the document: `tests[2]`."""
    trigger: str | None
    data: JsonObject
    """What the trigger brings: of `body`, `headers`, `query`, `path`, `method`, `event`, `scheduled_at` what was
    written."""
    variables: JsonObject
    secrets: Mapping[str, str]
    now: int
    """When it begins, in ms since the epoch."""
    mocks: Mapping[str, tuple[MockedAttempt, ...]]
    """By the run's label; the last attempt stands for all that follow it."""
    signals: tuple[CaseSignal, ...]
    expect: Expectation


@dataclass(frozen=True, slots=True)
class CasesRead:
    """The cases of a document, and what is wrong with them."""

    cases: tuple[Case, ...]
    issues: tuple[Issue, ...]


def run_label(node: str, iteration: str) -> str:
    """A node run as people name it: `fetch`, or `fetch[2]` in a loop."""
    return f"{node}[{iteration}]" if iteration else node


def split_label(label: str) -> tuple[str, str]:
    """The node and the iteration of a label."""
    node, bracket, rest = label.partition("[")
    return (node, rest[:-1]) if bracket and rest.endswith("]") else (label, "")
