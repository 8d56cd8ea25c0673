"""Definitions out as documents, YAML and JSON, and in again."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from flowrun.domain.definition import (
    Concurrency,
    EdgeDefinition,
    Join,
    NodeDefinition,
    OnError,
    RetryPolicy,
    WorkflowDefinition,
    WorkflowStatus,
)
from flowrun.formats import read_document, read_workflow, to_document, to_json, to_yaml

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e300, 1e300) | TEXT
    | st.sampled_from(["a\nb\n", "yes", "0o7", "1e5", "2025-01-01", "{{ input }}", " \n x", "a\n b\n\n", "~", "<<"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
PARAMS = st.dictionaries(TEXT, VALUE, max_size=3)
NODE_ID = st.from_regex(r"[A-Za-z0-9_.:-]{1,8}", fullmatch=True)
WORKFLOW_ID = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,10}", fullmatch=True)
DURATION = st.integers(0, 10**9).map(lambda ms: ms / 1000) | st.floats(0, 1e6)
RETRY = st.builds(
    RetryPolicy,
    max_attempts=st.integers(1, 100),
    initial_interval=DURATION,
    backoff=st.sampled_from([1.0, 1.5, 2.0]),
    max_interval=DURATION,
    jitter=st.booleans(),
    non_retryable=st.lists(TEXT, max_size=2).map(tuple),
)
NODE = st.builds(
    NodeDefinition,
    id=NODE_ID,
    type=st.sampled_from(["noop", "manual", "http", "knowledge", "x-plugin"]),
    name=TEXT,
    params=PARAMS,
    join=st.sampled_from(Join),
    on_error=st.none() | st.sampled_from(OnError),
    retry=st.none() | RETRY,
    timeout=st.none() | DURATION,
    retry_on_interrupt=st.booleans(),
    disabled=st.booleans(),
    position=st.none() | st.fixed_dictionaries({"x": st.integers(-9, 9), "y": st.floats(-9, 9)}),
)
CONDITION = st.sampled_from(["input.a > 1", "{{ output.ok }}", " x "])
EDGE_ID = st.sampled_from(["a->b", "a->b#2", "a->b#3", "a->b:x", "a->a", "e1", "e2", "e3"])
EDGE = st.builds(
    EdgeDefinition,
    id=EDGE_ID,
    source=st.sampled_from("ab"),
    target=st.sampled_from("ab"),
    source_handle=st.none() | st.sampled_from(["x", "error", "true"]),
    condition=st.none() | CONDITION,
)
WORKFLOW = st.builds(
    WorkflowDefinition,
    id=WORKFLOW_ID,
    name=st.from_regex(r"\S([\S ]{0,10}\S)?", fullmatch=True).filter(lambda s: s == s.strip() and "\x00" not in s),
    nodes=st.lists(NODE, max_size=4, unique_by=lambda node: node.id).map(tuple),
    edges=st.lists(EDGE, max_size=5, unique_by=lambda edge: edge.id).map(tuple),
    description=TEXT,
    status=st.sampled_from(WorkflowStatus),
    tags=st.lists(TEXT, max_size=2).map(tuple),
    on_error=st.none() | WORKFLOW_ID,
    timeout=st.none() | DURATION,
    concurrency=st.none()
    | st.builds(Concurrency, st.none(), nodes=st.integers(1, 50))
    | st.builds(
        Concurrency,
        limit=st.integers(1, 9),
        at_limit=st.sampled_from(["queue", "reject", "cancel_oldest"]),
        key=st.none() | st.just("trigger.path.shop"),
    ),
    variables=PARAMS,
)


@settings(max_examples=300)
@given(WORKFLOW)
def test_reading_back_gives_the_same_definition(definition):
    document = to_document(definition)
    for text in (to_yaml(document), to_json(document)):
        result = read_workflow(read_document(text))
        assert result.issues == ()
        assert result.definition == definition


def test_defaults_are_left_out():
    nodes = (NodeDefinition("a", "manual"), NodeDefinition("b", "noop", retry=RetryPolicy()))
    edges = (EdgeDefinition("a->b", "a", "b"), EdgeDefinition("mine", "a", "b", "error", "input.x"))
    assert to_document(WorkflowDefinition("w", "w", nodes, edges)) == {
        "id": "w",
        "nodes": [{"id": "a", "type": "manual"}, {"id": "b", "type": "noop", "retry": {}}],
        "edges": [
            {"source": "a", "target": "b"},
            {"id": "mine", "source": "a", "target": "b", "source_handle": "error", "condition": "input.x"},
        ],
    }


def test_durations_are_written_as_people_do():
    retry = RetryPolicy(initial_interval=0.5, backoff=1.0, max_interval=math.pi)
    node = NodeDefinition("a", "http", retry=retry, timeout=90.0)
    document = to_document(WorkflowDefinition("w", "W", (node,), (), timeout=5400.0))
    assert document["timeout"] == "1h30m"
    assert document["nodes"][0]["timeout"] == "1m30s"
    assert document["nodes"][0]["retry"] == {
        "initial_interval": "500ms",
        "backoff": "fixed",
        "max_interval": math.pi,
    }


def test_yaml_is_readable():
    shared = ["one"]
    text = to_yaml({"name": "Größe", "on": True, "text": "a\n\nb: {{ c }}\n", "zip": "01234", "x": shared, "y": shared})
    assert text == ("name: Größe\n'on': true\ntext: |\n  a\n\n  b: {{ c }}\nzip: '01234'\nx:\n- one\ny:\n- one\n")


def test_json_is_readable():
    assert to_json({"a": [1]}) == '{\n  "a": [\n    1\n  ]\n}\n'
