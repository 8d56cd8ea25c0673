"""What is wrong with a document's shape: everything at once, each at its place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowrun.errors import Issue
from flowrun.formats import read_workflow, to_document, to_json, to_mermaid, to_yaml

A = {"id": "a", "type": "noop"}
B = {"id": "b", "type": "noop"}
EDGE = {"source": "a", "target": "b"}


def node(**keys):
    return {"id": "w", "nodes": [{**A, **keys}]}


def edge(**keys):
    return {"id": "w", "nodes": [A, B], "edges": [{**EDGE, **keys}]}


def top(**keys):
    return {"id": "w", "nodes": [], **keys}


C_SHAPE = {"id": "w", "nodes": [{**A, "data": {"label": 3}}], "edges": []}
D = "is not a duration"
AN_OBJECT = "must be an object (a mapping of keys to values)"


@pytest.mark.parametrize(
    ("document", "path", "message", "suggestion"),
    [
        (3, "", AN_OBJECT, None),
        ({"id": "w"}, "nodes", "is required: a list of nodes", None),
        ({"id": "w", "nodes": 3}, "nodes", "must be a list of nodes", None),
        ({"id": "w", "nodes": [], "edges": "x"}, "edges", "must be a list of edges", None),
        ({"id": "w", "nodes": [A] * 5001}, "nodes", "has 5,001 entries; at most 5,000", None),
        ({"id": "w", "nodes": [], "edges": [EDGE] * 20_001}, "edges", "has 20,001 entries; at most 20,000", None),
        ({"nodes": []}, "id", "is required: give the workflow an id or a name", None),
        (top(id="My Flow"), "id", "must be 1 to 64 lower-case letters", "my-flow"),
        (top(id=[]), "id", "must be a text", None),
        (top(nmae="x"), "nmae", "is not a known key", "name"),
        (top(onErorr="x"), "onErorr", "is not a known key", "on_error"),
        (top(forest={}, egdes={}), "egdes", "is not a known key", "edges"),
        (top(onError="x", on_error="x"), "on_error", "is the same as 'onError'", None),
        (top(on_error="X Y"), "on_error", "must be 1 to 64 lower-case letters", "x-y"),
        (top(status="publishd"), "status", "must be one of draft, published", "published"),
        (top(status=[]), "status", "must be one of", None),
        (top(tags="x"), "tags", "must be a list of texts", None),
        (top(tags=[1]), "tags", "must be a list of texts", None),
        (top(metadata={"tags": 1}), "metadata.tags", "must be a list of texts", None),
        (top(timeout="soon"), "timeout", D, None),
        (top(description=1), "description", "must be a text", None),
        (top(variables=[]), "variables", AN_OBJECT, None),
        (top(concurrency="x"), "concurrency", AN_OBJECT, None),
        (top(concurrency={}), "concurrency.limit", "is required", None),
        (top(concurrency={"limit": "1"}), "concurrency.limit", "must be a whole number", None),
        (top(concurrency={"limit": 1, "atLimit": "que"}), "concurrency.atLimit", "must be one of", "queue"),
        (top(concurrency={"limit": 1, "kye": "x"}), "concurrency.kye", "is not a known key", "key"),
        (top(nodes=[3]), "nodes[0]", "must be an object with an id and a type", None),
        (top(nodes={"a b": {"type": "noop"}}), 'nodes["a b"]', "must be 1 to 64 letters", None),
        (top(nodes={"a": {"id": "b", "type": "noop"}}), "nodes.a.id", "differs from the node's key 'a'", None),
        (top(nodes=[{"type": "noop"}]), "nodes[0].id", "is required: edges refer to it", None),
        (node(id="é"), "nodes[0].id", "must be 1 to 64 letters", None),
        (node(id=True), "nodes[0].id", "must be a text", None),
        (top(nodes=[{"id": "a"}]), "nodes[0].type", "is required", None),
        (node(type=3), "nodes[0].type", "must be a text", None),
        (node(parms={}), "nodes[0].parms", "is not a known key", "params"),
        (node(params={}, config={}), "nodes[0].config", "is read like 'params'", None),
        (node(config={}, data={}), "nodes[0].data", "is read like 'config'", None),
        (node(params=[]), "nodes[0].params", AN_OBJECT, None),
        (node(join="al"), "nodes[0].join", "must be one of all, all_required, any", "all"),
        (node(onError="contiune"), "nodes[0].onError", "must be one of", "continue"),
        (node(disabled="no"), "nodes[0].disabled", "must be true or false", None),
        (node(timeout="-1s"), "nodes[0].timeout", "must not be negative", None),
        (node(position=3), "nodes[0].position", AN_OBJECT, None),
        (node(name=3), "nodes[0].name", "must be a text", None),
        (C_SHAPE, "nodes[0].data.label", "must be a text", None),
        (node(retry=3), "nodes[0].retry", AN_OBJECT, None),
        (node(retry={"max_attempt": 3}), "nodes[0].retry.max_attempt", "is not a known key", "max_attempts"),
        (node(retry={"maxAttempts": 3.5}), "nodes[0].retry.maxAttempts", "must be a whole number", None),
        (node(retry={"initial_interval": []}), "nodes[0].retry.initial_interval", D, None),
        (node(retry={"backoff": "fix"}), "nodes[0].retry.backoff", "must be a number, exponential or fixed", "fixed"),
        (node(retry={"backoff": 0}), "nodes[0].retry.backoff", "must be between 1", None),
        (node(retry={"backoff_strategy": 2}), "nodes[0].retry.backoff_strategy", "must be exponential or fixed", None),
        (node(retry={"non_retryable": "x"}), "nodes[0].retry.non_retryable", "must be a list of texts", None),
        (node(retry={}, retryPolicy={}), "nodes[0].retryPolicy", "is a second retry policy", None),
        (node(data={"retryPolicy": {"maxDelay": "x"}}), "nodes[0].data.retryPolicy.maxDelay", D, None),
        (top(edges=[3]), "edges[0]", "must be an object with source and target", None),
        (top(edges=["a => b"]), "edges[0]", 'or a text such as "a -> b"', None),
        (top(edges=[{"source": "a"}]), "edges[0].target", "is required: the id of a node", None),
        (top(edges=[{"source": "", "target": "b"}]), "edges[0].source", "must not be empty", None),
        (top(edges=[{"source": [], "target": "b"}]), "edges[0].source", "must be a text", None),
        (edge(**{"from": "a"}), "edges[0].from", "is read like 'source'", None),
        (edge(sourceHandel="x"), "edges[0].sourceHandel", "is not a known key", "source_handle"),
        (edge(label="x"), "edges[0].label", "is not a known key", "source_handle"),
        (edge(port="x", source_handle="x"), "edges[0].port", "is read like 'source_handle'", None),
        (edge(type="failiure"), "edges[0].type", "must be success, failure or default", "failure"),
        (edge(type=3), "edges[0].type", "must be success, failure or default", None),
        (
            edge(type="failure", source_handle="x"),
            "edges[0].source_handle",
            "the edge's type says the error port",
            None,
        ),
        (edge(condition=True), "edges[0].condition", "must be a text", None),
        (edge(condition="a", data={"condition": "b"}), "edges[0].data.condition", "is a second condition", None),
        (edge(data={"speed": 1}), "edges[0].data.speed", "is not a known key", None),
        (edge(id="x" * 301), "edges[0].id", "must have 300 characters or fewer", None),
        (top(edges={"e": {**EDGE, "id": "f"}}), "edges.e.id", "differs from the edge's key 'e'", None),
        (
            {"id": "w", "workflow": {"forest": {}, "nodes": {"a": {"type": 3}}, "edges": {}}},
            "workflow.nodes.a.type",
            "must be a text",
            None,
        ),
    ],
)
def test_issue(document, path, message, suggestion):
    issues = read_workflow(document).issues
    assert [(issue.path, issue.suggestion) for issue in issues] == [(path, suggestion)]
    assert message in issues[0].message


def test_all_issues_at_once_in_document_order():
    result = read_workflow(
        {
            "id": "w",
            "nodes": [{"id": "a", "type": "noop", "join": 1}, 7, {"type": "noop"}],
            "edges": [{"source": "a", "target": "b", "typ": 1}, {}],
            "timeout": "x",
        }
    )
    assert [issue.path for issue in result.issues] == [
        "timeout", "nodes[0].join", "nodes[1]", "nodes[2].id", "edges[0].typ", "edges[1].source", "edges[1].target",
    ]  # fmt: skip
    assert [one.id for one in result.definition.nodes] == ["a"]
    assert [one.id for one in result.definition.edges] == ["a->b"]


KEYS = st.sampled_from(
    [
        "id", "name", "type", "nodes", "edges", "workflow", "forest", "data", "config", "params", "source", "target",
        "sourceHandle", "condition", "label", "retry", "retryPolicy", "maxAttempts", "timeout", "concurrency", "limit",
        "position", "on_error", "onError", "status", "tags", "metadata", "viewport", "x",
    ]
)  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["a", "b", "a -> b", "noop", "whatsapp", "webhook", "30s", "failure", "decision", "fixed"])
)  # fmt: skip
WILD = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=4), inner, max_size=6),
    max_leaves=40,
)


@settings(max_examples=300)
@given(WILD | st.fixed_dictionaries({"nodes": WILD, "edges": WILD}))
def test_nothing_makes_the_reader_raise(document):
    result = read_workflow(document)
    assert all(isinstance(issue, Issue) and issue.message for issue in result.issues)
    assert result.definition is not None or result.issues
    if result.definition is not None:
        to_mermaid(result.definition)


def test_many_mistakes_take_no_long_time():
    keys = {f"unknown_{n}": n for n in range(50_000)}
    assert len(read_workflow({"id": "w", "nodes": [{**A, **keys}]}).issues) == 50_000


def test_exports_of_what_was_read_with_issues():
    result = read_workflow({"nodes": [{"id": "a", "type": "x", "join": 3}]})
    assert to_yaml(to_document(result.definition))
    assert to_json(to_document(result.definition))
