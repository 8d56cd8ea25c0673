"""Random workflows for the property tests, and the play of their workers and timers in a random order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from hypothesis import strategies as st
from support.driver import Driver
from support.node_types import TYPES
from support.reference import BROKEN, CONDITIONS, Behaviour

from flowrun.domain.definition import EdgeDefinition, Join, NodeDefinition, OnError, RetryPolicy, WorkflowDefinition
from flowrun.domain.facts import AttemptEnded, AttemptStarted, TimerFired, TimerKind
from flowrun.domain.graph import compile_graph
from flowrun.domain.json import JsonValue
from flowrun.domain.node_type import Cancelled, Completed, Failed, Outcome, Respond
from flowrun.domain.turn import Job
from flowrun.domain.validate import validate

BODY: JsonValue = {"flag": True, "from": "outside"}
ALL_ERRORS = tuple(OnError)
HANDLED = (OnError.CONTINUE, OnError.ERROR_OUTPUT)


@dataclass(frozen=True)
class Scenario:
    """A workflow, what its nodes do, and the trigger that fires."""

    definition: WorkflowDefinition
    behaviours: Mapping[str, Behaviour]
    trigger: str

    def driver(self, rng: Random | None = None) -> Driver:
        """A fresh execution."""
        jitter = rng.random if rng is not None else lambda: 1.0
        return Driver(compile_graph(self.definition, 1, TYPES), jitter=jitter)

    def with_behaviours(self, **changes: Behaviour) -> Scenario:
        """The same with other behaviours of some nodes."""
        return replace(self, behaviours={**self.behaviours, **changes})


# --- making one


@st.composite
def scenarios(draw: st.DrawFn, *, broken: bool = True, on_error: tuple[OnError, ...] = ALL_ERRORS) -> Scenario:
    """A valid workflow of 1 to 12 nodes."""
    triggers = [f"t{number}" for number in range(draw(st.integers(1, 3)))]
    ids = [*triggers, *(f"n{number}" for number in range(draw(st.integers(0, 12 - len(triggers)))))]
    edges = _edges(draw, ids, len(triggers), broken=broken)
    behaviours = {node: _behaviour(draw, node) for node in ids[len(triggers) :]}
    answering = draw(st.sampled_from([None, *behaviours]))
    nodes = [NodeDefinition(node, "manual") for node in triggers]
    for node, behaviour in behaviours.items():
        kind = "respond" if node == answering else draw(st.sampled_from(["step", "step", "script"]))
        behaviours[node] = _fitting(behaviour, kind)
        nodes.append(_node(draw, node, kind, behaviours[node], edges, on_error))
    errors = {node.id for node in nodes if node.on_error in {OnError.FAIL, OnError.DRAIN, OnError.CONTINUE}}
    edges = [
        replace(e, source_handle="left") if e.source in errors and e.source_handle == "error" else e for e in edges
    ]
    edges = draw(st.permutations(list({(e.source, e.target, e.source_handle, e.condition): e for e in edges}.values())))
    definition = WorkflowDefinition("w", "w", tuple(nodes), tuple(edges))
    issues = [issue for issue in validate(definition, TYPES) if "no port" not in issue.message]
    assert not issues, issues
    return Scenario(definition, behaviours, draw(st.sampled_from(triggers)))


def _edges(draw: st.DrawFn, ids: list[str], triggers: int, *, broken: bool) -> list[EdgeDefinition]:
    conditions = [None, None, None, None, *CONDITIONS] + [BROKEN] * broken
    edges = []
    for place in range(triggers, len(ids)):
        for source in draw(st.lists(st.integers(0, place - 1), min_size=1, max_size=4)):
            port = draw(st.sampled_from([None, None, "left", "right", "error"])) if source >= triggers else None
            condition = draw(st.sampled_from(conditions))
            edges.append(EdgeDefinition(f"e{len(edges)}", ids[source], ids[place], port, condition))
    return edges


def _behaviour(draw: st.DrawFn, node: str) -> Behaviour:
    return Behaviour(
        output={"from": node, "flag": draw(st.booleans())},
        ports=draw(st.sampled_from([("main",), ("main",), ("left",), ("main", "right"), ("left", "right"), ()])),
        failures=draw(st.sampled_from([0, 0, 0, 1, 2, 3])),
        error=draw(st.sampled_from([None, None, None, None, "bad"])),
        timed_out=draw(st.booleans()),
        wait_ms=draw(st.sampled_from([0, 0, 500, 3000])),
    )


def _fitting(behaviour: Behaviour, kind: str) -> Behaviour:
    """The behaviour as far as a node of that kind can have it."""
    if kind == "script":  # The engine runs it itself: it never retries, and one that fails doesn't wait.
        return replace(behaviour, failures=0, timed_out=False, ports=_ports_of(behaviour))
    if kind == "respond":
        output = {"status": 200, "headers": {}, "body": behaviour.output}
        return replace(behaviour, wait_ms=0, responds=True, output=output, ports=("main",))
    return replace(behaviour, wait_ms=0)


def _ports_of(behaviour: Behaviour) -> tuple[str, ...]:
    return ("main",) if behaviour.wait_ms else behaviour.ports


def _node(
    draw: st.DrawFn,
    node: str,
    kind: str,
    behaviour: Behaviour,
    edges: list[EdgeDefinition],
    on_error: tuple[OnError, ...],
) -> NodeDefinition:
    has_error_edge = any(e.source == node and e.source_handle == "error" for e in edges)
    kinds = [kind for kind in on_error if kind is not OnError.ERROR_OUTPUT or has_error_edge]
    default = [None] if has_error_edge or OnError.FAIL in on_error else []
    params: dict[str, Any] = {}
    if kind == "script":
        params = {"output": behaviour.output, "ports": list(behaviour.ports), "wait_ms": behaviour.wait_ms}
        params["error"] = behaviour.error
    return NodeDefinition(
        node,
        kind,
        params=params,
        join=draw(st.sampled_from([Join.ALL, Join.ALL, Join.ALL, Join.ANY, Join.ALL_REQUIRED])),
        on_error=draw(st.sampled_from([*default, *kinds])),
        retry=RetryPolicy(max_attempts=draw(st.integers(1, 3))),
        disabled=draw(st.sampled_from([False] * 9 + [True])),
    )


# --- playing one


def answer(job: Job, behaviour: Behaviour) -> Outcome:
    """What the worker answers to this attempt."""
    if job.attempt <= behaviour.failures:
        if behaviour.timed_out:
            return Failed("timeout", "too slow", retryable=True, source="timeout")
        return Failed("flaky", "try again", retryable=True)
    if behaviour.error is not None:
        return Failed(behaviour.error, "as scripted")
    if behaviour.responds:
        output: Any = behaviour.output
        return Respond(output, body=output["body"])
    return Completed(behaviour.output, behaviour.ports)


class Play:
    """Plays workers and timers in the order that `rng` chooses, until the execution has ended."""

    def __init__(self, scenario: Scenario, rng: Random, driver: Driver | None = None) -> None:
        self.scenario = scenario
        self.rng = rng
        self.driver = driver or scenario.driver(rng).start(BODY, trigger=scenario.trigger)
        self.steps = 0
        self.past: list[AttemptEnded] = []
        """Results that have been given."""
        self.inputs: dict[str, JsonValue] = {}
        """What the workers were given as input, last."""

    def to_the_end(self) -> Driver:
        """Play until nothing is left to do."""
        while not self.driver.execution.final:
            self.step()
        return self.driver

    def step(self) -> None:
        """Let one thing happen: some results together, a start, or the next timers."""
        self.steps += 1
        assert self.steps < 2000, "it doesn't end"
        moves = [self._results] * 3 * bool(self.driver.jobs) + [self._started] * bool(self.driver.jobs)
        if self.driver.timers:
            moves.append(self._timers)
        assert moves, f"it hangs, {self.driver.status}"
        self.rng.choice(moves)()

    def _results(self) -> None:
        nodes = sorted(self.driver.jobs)
        batch = self.rng.sample(nodes, self.rng.randint(1, min(3, len(nodes))))
        self.driver.send(*(self._result(node) for node in batch))

    def _result(self, node: str) -> AttemptEnded:
        job = self.driver.jobs[node]
        self.inputs[node] = job.input
        cancelling = self.driver.status == "cancelling"
        outcome = Cancelled() if cancelling else answer(job, self.scenario.behaviours[node])
        fact = AttemptEnded((node, ""), job.dispatch, outcome, self.driver.now)
        self.past.append(fact)
        return fact

    def _started(self) -> None:
        node = self.rng.choice(sorted(self.driver.jobs))
        self.driver.send(AttemptStarted((node, ""), self.driver.jobs[node].dispatch, self.driver.now))

    def _timers(self) -> None:
        """The next timer that is due, and by chance others of the same time, in any order."""
        driver = self.driver
        driver.now = max(driver.now, min(driver.timers.values())) + self.rng.choice([0, 0, 1500])
        due = sorted(key for key, at in driver.timers.items() if at <= driver.now)
        kind, node, _ = self.rng.choice(due)
        if kind is not TimerKind.ERROR_WORKFLOW:
            driver.send(TimerFired(kind, (node, "") if node else None))
