"""The workflows that the process dies in, and the points at which it dies in each."""

from __future__ import annotations

from typing import NamedTuple

CALL = (
    "{{id: {id}, type: http, timeout: {deadline}, retry: {retry},"
    " params: {{method: POST, url: '{url}/{shape}/{id}', body: {{n: 1}}}}}}"
)
RETRY = "{max_attempts: 8, initial_interval: 20ms, max_interval: 60ms}"

SHAPES = {
    "chain": ("one two three", "", "one -> two, two -> three"),
    "fan-in": ("one two three", "", "in -> two, one -> three, two -> three"),
    "branch": (
        "one two three",
        "- {id: which, type: if, params: {condition: '1 > 0'}}",
        (
            "one -> which, {source: which, target: two, source_handle: 'true'}, "
            "{source: which, target: three, source_handle: 'false'}"
        ),
    ),
    "loop": (
        "one two three",
        "- {id: each, type: for_each, params: {items: '[1, 2, 3]', concurrency: 2}}",
        (
            "one -> each, {source: each, target: two, source_handle: each}, "
            "{source: each, target: three, source_handle: done}"
        ),
    ),
    "wait": (
        "one two",
        "- {id: nap, type: delay, params: {for: 60ms}}\n- {id: word, type: wait_for_signal, params: {name: go}}",
        "one -> nap, nap -> word, {source: word, target: two}",
    ),
    "retry": ("one flaky two", "", "one -> flaky, flaky -> two"),
    "parent": (
        "one two",
        "- {id: call, type: workflow, params: {workflow_id: child}}",
        "one -> call, call -> two",
    ),
    "event": ("one two", "- {id: tell, type: emit, params: {event_type: told}}", "one -> tell, tell -> two"),
    "alarm": ("one", "- {id: bust, type: fail, params: {}}", "one -> bust"),
    "schedule": ("one two", "", "one -> two"),
}
"""For each shape the calls, what else there is, and the edges after the one to the first call."""


def document(shape: str, url: str, deadline: str) -> str:
    """A shape as a workflow file; its calls go to `url`, and have so long."""
    calls, others, edges = SHAPES[shape]
    params = f"{{path: {shape}, auth: none}}"
    trigger = f"- {{id: in, type: webhook, params: {params}}}"
    if shape == "schedule":
        trigger = "- {id: in, type: schedule, params: {every: 1s, misfire: all, overlap: allow}}"
    nodes = [
        f"- {CALL.format(id=call, shape=shape, url=url, deadline=deadline, retry=RETRY)}" for call in calls.split()
    ]
    lines = "\n  ".join([trigger, *nodes, *others.splitlines()])
    on_error = "on_error: called\n" if shape == "alarm" else ""
    return f"id: {shape}\nname: {shape}\n{on_error}nodes:\n  {lines}\nedges: [in -> one, {edges}]\n"


OTHERS = {
    "child": "manual",
    "listener": "event, params: {event_type: told}",
    "called": "error",
}
"""Workflows that those start, once each, and their triggers: by a node, by an event, by a failure."""
STARTED_BY = {"child": "parent", "listener": "event", "called": "alarm"}
"""Which shape starts which of them."""


def other(name: str) -> str:
    """Such a workflow as a workflow file."""
    return f"""
id: {name}
name: {name}
nodes:
  - {{id: in, type: {OTHERS[name]}}}
  - {{id: done, type: transform, params: {{value: {{done: true}}}}}}
edges: [in -> done]
"""


class Step(NamedTuple):
    """Where the process is to die. `inherits`: at what an earlier death has left, so it is armed from the start."""

    point: str
    workflow: str
    inherits: bool = False

    @property
    def shape(self) -> str:
        """What is started for it."""
        return STARTED_BY.get(self.workflow, self.workflow)


WEBHOOKS = tuple(shape for shape in SHAPES if shape != "schedule")
AROUND = ("commit", "committed", "told")
"""Before a commit, after it, and when everybody concerned has been told of it."""
LEGACY = (
    ("dispatch", False),
    ("recover-queued", True),
    ("commit.AttemptStarted", True),
    ("committed.AttemptStarted", True),
    ("recover-running", True),
    ("commit.AttemptLost", True),
    ("committed.AttemptLost", True),
    ("told.AttemptStarted", True),
    ("told.AttemptLost", True),
)
"""One row of deaths, each leaving what the next one dies of."""
APPLIES = {
    **{f"{around}.Start": (*SHAPES, *OTHERS) for around in AROUND},
    **{f"{around}.AttemptEnded": tuple(SHAPES) for around in AROUND},
    **{f"{around}.TimerFired": ("wait", "retry") for around in AROUND},
    **{f"{around}.Signal": ("wait",) for around in AROUND},
    **{f"{around}.CallAnswered": ("parent",) for around in AROUND},
    **dict.fromkeys(("timer", "timed"), ("wait", "retry", "parent", "event", "alarm")),
    **dict.fromkeys(("answer", "answered"), WEBHOOKS),
    **{name: tuple(SHAPES) for name in ("dispatched", "taken", "effect", "within", "effected")},
    **{name: tuple(SHAPES) for name in ("acknowledge", "acknowledged")},
}
TURNS = max(len(shapes) for shapes in APPLIES.values())
"""After so many everything has been tried."""


def steps(turn: int | None) -> list[Step]:
    """Every point once, each in another shape, and with another turn in yet another; None: every point in every one."""
    found: list[Step] = []
    names = tuple(SHAPES)
    legacy = names if turn is None else (names[turn % len(names)],)
    for shape in legacy:
        found += [Step(point, shape, inherits) for point, inherits in LEGACY]
    for place, (point, workflows) in enumerate(APPLIES.items()):
        chosen = workflows if turn is None else (workflows[(turn + place) % len(workflows)],)
        found += [Step(point, workflow) for workflow in chosen]
    return found
