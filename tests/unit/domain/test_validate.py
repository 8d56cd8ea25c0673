"""Each rule of validation: a small workflow, and the one issue it gets."""

import time
from dataclasses import dataclass
from itertools import pairwise

import pytest

from flowrun.domain.definition import (
    Concurrency,
    EdgeDefinition,
    NodeDefinition,
    OnError,
    RetryPolicy,
    WorkflowDefinition,
)
from flowrun.domain.node_type import NodeKind
from flowrun.domain.validate import Spelling, validate
from flowrun.errors import Issue


@dataclass
class FakeType:
    name: str
    kind: NodeKind = NodeKind.ENGINE
    out: tuple[str, ...] = ("main",)
    expression_params: frozenset[str] = frozenset()
    deferred_params: frozenset[str] = frozenset()
    repeats: bool = False

    def issues(self, node):
        return [Issue("url", "is required")] if node.params.get("broken") else []

    def ports(self, params):
        rows = params.get("conditions", [])
        return (*(row["id"] for row in rows), *self.out)


class FakeTypes:
    def __init__(self):
        expressions = frozenset({"condition", "conditions[].expression"})
        hooks = frozenset({"filter", "idempotency_key"})
        types = [
            FakeType("manual", NodeKind.TRIGGER),
            FakeType("webhook", NodeKind.TRIGGER, expression_params=hooks, deferred_params=frozenset({"map"})),
            FakeType("noop"),
            FakeType("decision", out=("default",), expression_params=expressions),
            FakeType("if", out=("true", "false"), expression_params=expressions),
            FakeType("http", NodeKind.WORKER),
            FakeType("code", NodeKind.WORKER, deferred_params=frozenset({"source"})),
            FakeType("respond", NodeKind.WORKER),
        ]
        self._types = {one.name: one for one in types}

    def get(self, name):
        return self._types.get(name)

    def names(self):
        return sorted(self._types)


TYPES = FakeTypes()
START = NodeDefinition("start", "manual")


def node(id_, type_="noop", /, **keys):
    return NodeDefinition(id_, type_, params=keys.pop("params", {}), **keys)


def edges(*arrows):
    """Edges written `a b`, `a:port b` or `a b if condition`."""
    made = []
    for number, arrow in enumerate(arrows):
        way, _, condition = arrow.partition(" if ")
        source, target = way.split(" ")
        source, _, port = source.partition(":")
        made.append(EdgeDefinition(f"e{number}", source, target, port or None, condition or None))
    return tuple(made)


def workflow(nodes, arrows=(), **keys):
    return WorkflowDefinition("w", "w", tuple(nodes), edges(*arrows), **keys)


def chain(*nodes, **keys):
    """A manual trigger and then one node after the other."""
    every = [START, *nodes]
    return workflow(every, [f"{a.id} {b.id}" for a, b in pairwise(every)], **keys)


def hook(id_, **params):
    return node(id_, "webhook", params={"path": id_, **params})


def templated(text, **keys):
    return chain(node("a"), node("b", params={"text": text}), **keys)


def issues(definition):
    return validate(definition, TYPES)


def sync(id_, path, **params):
    return hook(id_, **{"response_mode": "last_node", **params, "path": path})


UPSTREAM = "which is not upstream"
RULES = {
    "duplicate node id": (
        workflow([START, node("a"), node("a")], ["start a"]),
        ("nodes[2].id", "'a' is the id of another node, too", None),
    ),
    "duplicate edge id": (
        WorkflowDefinition(
            "w", "w", (START, node("a"), node("b")),
            (EdgeDefinition("e", "start", "a"), EdgeDefinition("e", "start", "b")),
        ),
        ("edges[1].id", "'e' is the id of another edge, too", None),
    ),
    "unknown node type": (chain(node("a", "htpp")), ("nodes[1].type", "there is no node type 'htpp'", "http")),
    "an editor's type that only a plugin can bring": (
        chain(node("a", "knowledge")),
        (
            "nodes[1].type",
            (
                "there is no node type 'knowledge' here unless a plugin brings it: ask a search service with an http "
                "node, or give an agent a tool that looks things up"
            ),
            None,
        ),
    ),
    "an editor's own type that names no plugin": (
        chain(node("a", "custom")),
        (
            "nodes[1].type",
            (
                "there is no node type 'custom' of its own: write the type of an installed plugin into its data, as "
                "`plugin: NAME`"
            ),
            None,
        ),
    ),
    "params": (chain(node("a", params={"broken": True})), ("nodes[1].params.url", "is required", None)),
    "edge to nowhere": (
        workflow([START, node("fetch")], ["start fetch", "fetch fetsh"]),
        ("edges[1].target", "there is no node 'fetsh'", "fetch"),
    ),
    "edge from nowhere": (
        workflow([START, node("a"), node("b")], ["start a", "zzz b"]),
        ("edges[1].source", "there is no node 'zzz'", None),
    ),
    "self edge": (
        workflow([START, node("a")], ["start a", "a a"]),
        ("edges[1]", "leads from 'a' to itself", None),
    ),
    "duplicate edge": (
        workflow([START, node("a")], ["start a", "start a"]),
        ("edges[1]", "is the same as another edge from 'start' to 'a'", None),
    ),
    "unknown port": (
        workflow([START, node("a", "if"), node("b")], ["start a", "a:ture b"]),
        ("edges[1].source_handle", "'a' has no port 'ture'; there are true, false, error", "true"),
    ),
    "no main port": (
        workflow([START, node("a", "if"), node("b")], ["start a", "a b"]),
        ("edges[1].source_handle", "'a' has no port 'main'", None),
    ),
    "error port of a trigger": (
        workflow([START, node("a")], ["start:error a"]),
        ("edges[0].source_handle", "'start' has no port 'error'; there are main", None),
    ),
    "edge into a trigger": (
        workflow([START, node("a"), hook("h")], ["start a", "a h"]),
        ("edges[1].target", "'h' is a trigger; nothing can lead to it", None),
    ),
    "error port and another on_error": (
        workflow([START, node("a", on_error=OnError.CONTINUE), node("b")], ["start a", "a:error b"]),
        ("edges[1].source_handle", "whose on_error is continue", None),
    ),
    "error_output without an error edge": (
        chain(node("a", on_error=OnError.ERROR_OUTPUT)),
        ("nodes[1].on_error", "no edge leaves the node's error port", None),
    ),
    "unreachable": (
        workflow([START, node("a"), node("b")], ["start a"]),
        ("nodes[2]", "'b' is unreachable", None),
    ),
    "cycle": (
        workflow([START, node("a"), node("b"), node("c")], ["start a", "a b", "b c", "c b"]),
        ("nodes[2]", "b → c → b is a cycle; repeat work with a for_each or loop", None),
    ),
    "no trigger": (workflow([node("a")]), ("nodes", "there is no trigger: add one", None)),
    "no trigger that is enabled": (
        workflow([node("t", "manual", disabled=True), node("a")], ["t a"]),
        ("nodes", "every trigger is disabled: enable one", None),
    ),
    "nothing at all": (workflow([]), ("nodes", "there is no trigger", None)),
    "two synchronous webhooks": (
        workflow([sync("a", "orders/{id}"), sync("b", "/orders/{order}/", methods=["get", "POST"])]),
        ("nodes[1].params.path", "is the route of 'a', too", None),
    ),
    "response_node without respond": (
        workflow([hook("h", responseMode="response_node")]),
        ("nodes[0].params.responseMode", "the workflow has no respond node", None),
    ),
    "max_attempts": (
        chain(node("a", retry=RetryPolicy(max_attempts=0))),
        ("nodes[1].retry.max_attempts", "must be between 1 and 100", None),
    ),
    "initial_interval": (
        chain(node("a", retry=RetryPolicy(initial_interval=-1))),
        ("nodes[1].retry.initial_interval", "must be 0 or more", None),
    ),
    "max_interval": (
        chain(node("a", retry=RetryPolicy(max_interval=float("nan")))),
        ("nodes[1].retry.max_interval", "must be 0 or more", None),
    ),
    "backoff": (
        chain(node("a", retry=RetryPolicy(backoff=0.5))),
        ("nodes[1].retry.backoff", "must be 1 (a fixed interval) or more", None),
    ),
    "node timeout": (chain(node("a", timeout=0)), ("nodes[1].timeout", "more than 0 and at most 30 days", None)),
    "workflow timeout": (chain(timeout=31 * 86_400), ("timeout", "more than 0 and at most 30 days", None)),
    "concurrency nodes": (
        chain(concurrency=Concurrency(None, nodes=0)),
        ("concurrency.nodes", "must be at least 1", None),
    ),
    "concurrency limit": (chain(concurrency=Concurrency(0)), ("concurrency.limit", "must be at least 1", None)),
    "concurrency key": (
        chain(concurrency=Concurrency(1, key="trigga.path")),
        ("concurrency.key", "'trigga' is not known here; there is trigger", "trigger"),
    ),
    "on_error is itself": (chain(on_error="w"), ("on_error", "is this workflow itself", None)),
    "template that does not parse": (
        templated("x {{ input. }}"),
        ("nodes[2].params.text", "is not a valid expression: ", None),
    ),
    "expression that does not parse": (
        workflow([START, node("a", "if", params={"condition": "input.a >"})], ["start a"]),
        ("nodes[1].params.condition", "is not a valid expression: ", None),
    ),
    "expression in a list": (
        workflow(
            [START, node("a", "decision", params={"conditions": [{"id": "x", "expression": "inptu.a"}]})], ["start a"]
        ),
        ("nodes[1].params.conditions[0].expression", "'inptu' is not known here", "input"),
    ),
    "unknown name": (templated("{{ varz.x }}"), ("nodes[2].params.text", "'varz' is not known here", "vars")),
    "output is for edges": (templated("{{ output.x }}"), ("nodes[2].params.text", "only in the conditions", None)),
    "loop names": (templated("{{ item.x }}"), ("nodes[2].params.text", "only in the body of a for_each or loop", None)),
    "secrets": (
        templated("{{ secrets.KEY }}"),
        ("nodes[2].params.text", "'secrets' can be used only in the params of nodes that workers run", None),
    ),
    "unknown node": (
        templated("{{ nodes.strat.output }}"),
        ("nodes[2].params.text", "there is no node 'strat'", "start"),
    ),
    "node that is not upstream": (
        workflow(
            [START, node("a"), node("b", params={"deep": [{"odd key": "{{ nodes.a.output }}"}]})],
            ["start a", "start b"],
        ),
        ("""nodes[2].params.deep[0]["odd key"]""", f"refers to node 'a', {UPSTREAM}", None),
    ),
    "the node itself": (templated("{{ nodes.b.output }}"), ("nodes[2].params.text", UPSTREAM, None)),
    "trigger params know the trigger alone": (
        workflow([hook("h", map={"x": "{{ input.x }}"})]),
        ("nodes[0].params.map.x", "'input' is not known here; there is trigger", None),
    ),
    "trigger filter": (
        workflow([hook("h", idempotencyKey="vars.x")]),
        ("nodes[0].params.idempotencyKey", "'vars' is not known here; there is trigger", None),
    ),
    "edge condition that does not parse": (
        workflow([START, node("a")], ["start a if input.a >"]),
        ("edges[0].condition", "is not a valid expression", None),
    ),
    "edge condition with an unknown name": (
        workflow([START, node("a")], ["start a if {{ outptu.a }}"]),
        ("edges[0].condition", "'outptu' is not known here", "output"),
    ),
    "edge condition about its target": (
        workflow([START, node("a")], ["start a if nodes.a.output"]),
        ("edges[0].condition", f"refers to node 'a', {UPSTREAM}", None),
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_rule(rule):
    definition, (path, message, suggestion) = RULES[rule]
    found = issues(definition)
    assert [(issue.path, issue.suggestion) for issue in found] == [(path, suggestion)]
    assert message in found[0].message


VALID = {
    "a trigger alone": workflow([START]),
    "two triggers": workflow([START, hook("h"), node("a")], ["start a", "h a"]),
    "behind a disabled trigger": workflow(
        [START, node("off", "manual", disabled=True), node("a")], ["off a"]
    ),
    "error edge": workflow(
        [START, node("a", on_error=OnError.ERROR_OUTPUT), node("b")], ["start a", "a:error b"]
    ),
    "two edges that differ by condition": workflow([START, node("a")], ["start a if input.a", "start a if input.b"]),
    "two edges that differ by port": workflow(
        [START, node("a", "if"), node("b")], ["start a", "a:true b", "a:false b"]
    ),
    "two webhooks on one route, one of them immediate": workflow([sync("a", "x"), hook("b", path="x")]),
    "two synchronous webhooks with other methods": workflow([sync("a", "x"), sync("b", "x", methods=["GET"])]),
    "a synchronous webhook that is disabled": workflow(
        [sync("a", "x"), node("b", "webhook", params={"path": "x", "response_mode": "last_node"}, disabled=True)]
    ),
    "names": templated("{{ input.a + trigger.b + vars.c + execution.id + nodes.a.output.x + nodes.start.output.y }}"),
    "comprehension": templated("{{ [x.a for x in input.items] }}"),
    "names in an edge": workflow([START, node("a")], ["start a if output.ok and nodes.start.output and input"]),
    "source code is no template": chain(node("a", "code", params={"source": "f'{{ nonsense! }}'"})),
    "not a template": templated("a } b { c"),
}  # fmt: skip


@pytest.mark.parametrize("case", VALID)
def test_valid(case):
    assert issues(VALID[case]) == []


def test_syntax_errors_tell_the_character():
    (issue,) = issues(workflow([START, node("a")], ["start a if input.a +* 2"]))
    assert "(at character " in issue.message


def test_all_issues_in_document_order():
    definition = workflow(
        [
            START,
            node("a", "nop", params={"x": "{{ 1 + }}"}, timeout=-1),
            node("b", params={"y": "{{ foo }}", "broken": 1}),
            node("lost"),
        ],
        ["start a", "a b if 1 +", "b zzzzzz"],
        on_error="w",
        timeout=0,
    )
    assert [issue.path for issue in issues(definition)] == [
        "on_error",
        "timeout",
        "nodes[1].type",
        "nodes[1].timeout",
        "nodes[1].params.x",
        "nodes[2].params.url",
        "nodes[2].params.y",
        "nodes[3]",
        "edges[1].condition",
        "edges[2].target",
    ]


def test_paths_are_those_of_the_users_document():
    written = node(
        "a", params={"x": "{{ foo }}"}, timeout=-1, path="workflow.nodes.a", params_path="workflow.nodes.a.data"
    )
    assert [issue.path for issue in issues(chain(written))] == ["workflow.nodes.a.timeout", "workflow.nodes.a.data.x"]


def test_one_misspelt_name_is_one_issue():
    definition = workflow(
        [START, node("fetch"), node("b", params={"x": "{{ nodes.fetch.output }}"})], ["start fetsh", "fetch b"]
    )
    assert [issue.path for issue in issues(definition)] == ["edges[0].target"]
    assert [issue.path for issue in issues(workflow([node("in", "webhok"), node("a")], ["in a"]))] == ["nodes[0].type"]


def test_every_cycle_once():
    definition = workflow([START, *(node(id_) for id_ in "abcd")], ["start a", "a b", "b a", "b c", "c b", "start d"])
    assert [issue.message.partition(" is a cycle")[0] for issue in issues(definition)] == ["a → b → a", "b → c → b"]


def test_a_cycle_without_entry_is_unreachable_too():
    found = issues(workflow([START, node("a"), node("b")], ["a b", "b a"]))
    assert [issue.path for issue in found] == ["nodes[1]", "nodes[1]", "nodes[2]"]


def test_long_cycles_are_abbreviated():
    ids = [f"n{n}" for n in range(2000)]
    arrows = [f"{a} {b}" for a, b in zip(ids, [*ids[1:], ids[0]], strict=True)]
    (issue,) = issues(workflow([START, *map(node, ids)], ["start n0", *arrows]))
    assert "n0 → n1 → n2 → n3 → n4 → n5 → … → n1996" in issue.message


def timed(definition):
    started = time.perf_counter()
    found = issues(definition)
    return found, time.perf_counter() - started


def test_five_thousand_nodes_take_no_long_time():
    text = {"x": "{{ nodes.start.output.x }} and {{ input.y }}"}
    found, seconds = timed(chain(*(node(f"n{n}", params=text) for n in range(5000))))
    assert found == []
    assert seconds < 5


def test_many_mistakes_take_no_long_time():
    nodes = [START, *(node(f"node-number-{n}") for n in range(4999))]
    arrows = [f"node-nummer-{n} nodenumber-{n}" for n in range(20_000)]
    found, seconds = timed(workflow(nodes, arrows))
    assert len(found) >= 40_000
    assert seconds < 10


def test_many_cycles_take_no_long_time():
    ids = [f"n{n}" for n in range(2000)]
    arrows = [f"{a} {b}" for a, b in pairwise(ids)]
    arrows += [f"{b} {a}" for a, b in pairwise(ids)]
    found, seconds = timed(workflow([START, *map(node, ids)], ["start n0", *arrows]))
    assert len(found) == 50
    assert seconds < 5


def test_spelling():
    spelling = Spelling(comparisons=4)
    assert spelling.closest("Htpp", ["http", "noop"]) == "http"
    assert spelling.closest("zzz", ["http", "noop"]) is None
    assert spelling.closest("htpp", ["http", "noop"]) is None, "the budget is spent"
