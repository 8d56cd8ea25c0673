"""The accepted shapes, each to the same definition."""

import re
from pathlib import Path

import pytest

from flowrun.domain.definition import (
    Concurrency,
    EdgeDefinition,
    Join,
    NodeDefinition,
    OnError,
    RetryPolicy,
    WorkflowStatus,
)
from flowrun.domain.validate import validate
from flowrun.formats import read_document, read_workflow
from flowrun.nodes.registry import builtin_types

SAMPLES = Path(__file__).parent / "samples"


def read(name):
    result = read_workflow(read_document((SAMPLES / name).read_bytes()), default_id=Path(name).stem)
    assert result.issues == ()
    return result.definition


def definition_of(document, **options):
    result = read_workflow({"id": "w", **document}, **options)
    assert result.issues == ()
    return result.definition


def nodes_by_id(definition):
    return {node.id: node for node in definition.nodes}


def test_stored_shape():
    definition = read("stored.json")
    assert (definition.id, definition.name, definition.tags) == ("stored", "Order intake", ("orders",))
    assert definition.status is WorkflowStatus.PUBLISHED
    assert [node.type for node in definition.nodes] == [
        "webhook", "transform", "http", "http", "merge", "respond", "respond",
    ]  # fmt: skip
    assert definition.nodes[0].params["response_mode"] == "response_node"
    assert (definition.nodes[1].path, definition.nodes[1].params_path) == ("nodes[1]", "nodes[1].config")
    assert definition.edges[5] == EdgeDefinition("both->ok", "both", "ok", None, "nodes.fraud.output.body.score < 0.8")
    assert definition.edges[5].path == "edges[5]"


def test_editor_shape():
    definition = read("editor-save.json")
    assert definition.id == "8d1f7a52-0f5e-4c5b-9a0c-6a1d3b0e77aa"
    assert (definition.status, definition.tags) == (WorkflowStatus.PUBLISHED, ("support",))
    nodes = nodes_by_id(definition)
    assert {id_: node.type for id_, node in nodes.items()} == {
        "wa": "webhook",
        "classify": "transform",
        "route": "decision",
        "agent": "agent",
        "handover": "http",
        "apology": "send",
        "reply": "send",
    }
    assert nodes["wa"].params == {
        "path": "channels/support-line",
        "provider": "whatsapp",
        "auth": {"type": "channel", "channel": "support-line"},
        "filter": "trigger.event.event_type in ['message']",
    }
    assert set(nodes["reply"].params) == {"channel", "to", "message"}
    assert nodes["handover"].retry == RetryPolicy(max_attempts=5, initial_interval=1.0, backoff=2.0)
    assert "retryPolicy" not in nodes["handover"].params
    assert nodes["handover"].path == "workflow.nodes.handover"
    assert nodes["handover"].params_path == "workflow.nodes.handover.data"
    ports = {edge.id: edge.source_handle for edge in definition.edges}
    assert ports == {
        "e1": None, "e2": None, "e3": "urgent", "e4": "normal", "e5": None, "e6": "error", "e7": None,
    }  # fmt: skip
    assert definition.edges[2].path == "workflow.edges.e3"


def test_editor_shape_not_nested_and_its_derived_parts_are_not_believed():
    document = read_document((SAMPLES / "editor-save.json").read_bytes())
    inner = document.pop("workflow")
    inner["forest"]["roots"] = ["nobody"]
    inner["paths"] = "nonsense"
    assert read_workflow({**document, **inner}).definition == read("editor-save.json")


def test_react_flow_shape():
    definition = read("react-flow.json")
    nodes = nodes_by_id(definition)
    assert {id_: (node.type, node.name) for id_, node in nodes.items()} == {
        "1": ("manual", "Start"),
        "2": ("if", "Known?"),
        "3": ("transform", "Greet"),
        "4": ("noop", ""),
    }
    assert nodes["2"].params == {"condition": "trigger.body.name != null"}
    assert nodes["3"].position == {"x": 400, "y": -60}
    assert [edge.source_handle for edge in definition.edges] == [None, "true", "false"]


def test_written_by_hand():
    definition = read("by-hand.yaml")
    nodes = nodes_by_id(definition)
    assert nodes["fraud"] == NodeDefinition(
        id="fraud",
        type="http",
        name="Fraud",
        params={
            "method": "POST",
            "url": "https://fraud.example/check",
            "body": "{{ trigger.body }}",
            "timeout": "5s",
        },
        retry=RetryPolicy(max_attempts=5, initial_interval=0.5, backoff=1.0),
        timeout=10.0,
        retry_on_interrupt=False,
    )
    assert (nodes["no"].join, nodes["no"].on_error) == (Join.ANY, OnError.CONTINUE)
    assert nodes["off"].disabled
    assert nodes["fraud"].params_path == "nodes.fraud.params"
    assert definition.concurrency == Concurrency(5, "reject", "trigger.path.shop")
    assert (definition.timeout, definition.on_error) == (5400.0, "alert")
    assert definition.variables == {"threshold": 0.8}
    assert definition.description == "Takes orders in.\nRefuses what looks like fraud.\n"
    assert definition.edges == (
        EdgeDefinition("in->fraud", "in", "fraud"),
        EdgeDefinition("fraud->no", "fraud", "no", None, "output.body.score >= vars.threshold"),
        EdgeDefinition("fraud->off:error", "fraud", "off", "error"),
    )


BY_CHANNEL = {"path": "channels/c", "auth": {"type": "channel", "channel": "c"}}
OF_EVENTS = "trigger.event.event_type in ['message', 'status']"
CHAIN = [{"source": "a", "target": "b"}]


@pytest.mark.parametrize(
    ("type_", "params", "target", "expected"),
    [
        ("function", {}, True, ("code", {})),
        ("transformation", {}, True, ("transform", {})),
        ("character", {}, True, ("agent", {})),
        ("knowledge", {"q": 1}, True, ("knowledge", {"q": 1})),
        ("custom", {}, True, ("custom", {})),
        ("custom", {"plugin": "x-scan", "depth": 2}, True, ("x-scan", {"depth": 2})),
        ("custom", {"nodeType": "x-scan", "config": {"depth": 2}}, True, ("x-scan", {"depth": 2})),
        ("trigger", {}, False, ("manual", {})),
        ("trigger", {"path": "in"}, False, ("webhook", {"path": "in"})),
        ("trigger", {"cron": "@daily"}, False, ("schedule", {"cron": "@daily"})),
        ("trigger", {"eventType": "x"}, False, ("event", {"eventType": "x"})),
        ("whatsapp", {"channel": "c"}, False, ("webhook", {**BY_CHANNEL, "provider": "whatsapp"})),
        ("instagram", {"channel": "c"}, False, ("webhook", {**BY_CHANNEL, "provider": "instagram"})),
        ("mercadolivreQa", {"channel": "c"}, False, ("webhook", {**BY_CHANNEL, "provider": "mercado_livre"})),
        ("whatsapp", {}, False, ("webhook", {"provider": "whatsapp", "auth": {"type": "channel"}})),
        (
            "whatsapp",
            {"channel": "c", "path": "in", "auth": "none", "validateSignature": True},
            False,
            ("webhook", {"path": "in", "auth": "none", "provider": "whatsapp"}),
        ),
        (
            "whatsapp",
            {"channel": "c", "messageEvents": ["message", "status"], "filter": "{{ trigger.body.a }}"},
            False,
            ("webhook", {**BY_CHANNEL, "provider": "whatsapp", "filter": f"{OF_EVENTS} and (trigger.body.a)"}),
        ),
        ("whatsapp", {"channel": "c", "to": "1", "validate_signature": 1}, True, ("send", {"channel": "c", "to": "1"})),
        ("webhook", {"path": "in"}, False, ("webhook", {"path": "in"})),
        ("webhook", {"url": "http://x"}, True, ("http", {"url": "http://x"})),
        # A trigger that an edge leads to by mistake stays one, so that the edge is what gets reported.
        ("webhook", {"path": "in"}, True, ("webhook", {"path": "in"})),
    ],
)
def test_names_of_the_editor(type_, params, target, expected):
    edges = [{"source": "a", "target": "b"}] if target else []
    nodes = [{"id": "a", "type": "manual"}, {"id": "b", "type": type_, "config": params}]
    node = definition_of({"nodes": nodes, "edges": edges}).nodes[1]
    assert (node.type, node.params) == expected


def test_a_signature_that_need_not_be_checked_is_checked_and_the_node_says_so():
    data = {"channel": "c", "validateSignature": False, "description": "Support."}
    (node,) = definition_of({"nodes": [{"id": "a", "type": "whatsapp", "data": data}], "edges": []}).nodes
    assert node.params["auth"] == {"type": "channel", "channel": "c"}
    assert node.params["description"].startswith("Support. Signatures are checked all the same")
    assert "validateSignature" not in node.params


@pytest.mark.parametrize("events", ["message", ["a'b"], [1], {"a": 1}])
def test_events_that_are_none_are_left_for_the_validation(events):
    data = {"channel": "c", "messageEvents": events}
    (node,) = definition_of({"nodes": [{"id": "a", "type": "whatsapp", "data": data}], "edges": []}).nodes
    assert node.params["messageEvents"] == events
    assert "filter" not in node.params


@pytest.mark.parametrize(
    ("header", "default_id", "expected"),
    [
        ({"id": "x-1"}, "file", "x-1"),
        ({"name": "Pedido nº 1: São Paulo"}, None, "pedido-no-1-sao-paulo"),
        ({"name": "Any"}, "order-intake", "order-intake"),
        ({}, "Order intake.v2", "order-intake-v2"),
        ({"name": "x" * 80}, None, "x" * 64),
    ],
)
def test_workflow_ids(header, default_id, expected):
    result = read_workflow({**header, "nodes": []}, default_id=default_id)
    assert (result.definition.id, result.issues) == (expected, ())


@pytest.mark.parametrize(
    ("written", "status"),
    [("active", "published"), ("inactive", "draft"), ("draft", "draft"), ("archived", "archived"), (None, "published")],
)
def test_status(written, status):
    assert definition_of({"status": written, "nodes": []}).status == status


def test_edge_ids_are_unique():
    edge = {"source": "a", "target": "b"}
    named = {"id": "a->b#2", **edge}
    edges = [edge, edge, {**edge, "sourceHandle": "x"}, named, edge]
    definition = definition_of({"nodes": [], "edges": edges})
    assert [e.id for e in definition.edges] == ["a->b", "a->b#3", "a->b:x", "a->b#2", "a->b#4"]


@pytest.mark.parametrize(
    ("edge", "port"),
    [
        ({}, None),
        ({"type": "success"}, None),
        ({"type": "default"}, None),
        ({"type": "failure"}, "error"),
        ({"type": "failure", "source_handle": "error"}, "error"),
        ({"source_handle": "main"}, None),
        ({"sourceHandle": "done"}, "done"),
        ({"source_handle": "b", "target_handle": "in"}, "b"),
        ({"port": "b"}, "b"),
    ],
)
def test_ports(edge, port):
    definition = definition_of({"nodes": [], "edges": [{"source": "a", "target": "b", **edge}]})
    assert definition.edges[0].source_handle == port


@pytest.mark.parametrize(
    ("type_", "label", "port"),
    [
        ("decision", "urgent", "urgent"),
        ("switch", "x", "x"),
        ("for_each", "each", "each"),
        ("for_each", "for all", None),
        ("wait_for_signal", "timeout", "timeout"),
        ("http", "then", None),
    ],
)
def test_labels_of_the_editor_are_ports_where_a_node_branches(type_, label, port):
    nodes = {"a": {"type": type_, "data": {}}, "b": {"type": "noop"}}
    edges = {"e": {"source": "a", "target": "b", "label": label}}
    assert definition_of({"nodes": nodes, "edges": edges}).edges[0].source_handle == port


def test_camel_case_and_numbers_as_ids():
    node = {
        "id": 1,
        "type": "http",
        "onError": "errorOutput",
        "retryOnInterrupt": False,
        "retryPolicy": {"maxDelay": 500},
    }
    definition = definition_of({"onError": "other", "nodes": [node], "edges": [{"source": 1, "target": 2}]})
    assert definition.on_error == "other"
    assert definition.nodes[0] == NodeDefinition(
        "1", "http", on_error=OnError.ERROR_OUTPUT, retry_on_interrupt=False, retry=RetryPolicy(max_interval=0.5)
    )
    assert definition.edges[0].id == "1->2"


def test_what_only_the_writer_needs_is_ignored():
    extra = {
        "version": 7,
        "createdAt": "x",
        "updated_at": "x",
        "tenantId": "t",
        "metadata": {"runCount": 0},
        "tests": [],
    }
    assert definition_of({"nodes": [], **extra}) == definition_of({"nodes": []})


def test_the_example_of_the_documentation_is_valid():
    text = (Path(__file__).parents[3] / "docs" / "workflow-files.md").read_text()
    example = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1]
    result = read_workflow(read_document(example))
    assert result.issues == ()
    assert validate(result.definition, builtin_types()) == []


def test_the_stored_sample_is_valid():
    assert validate(read("stored.json"), builtin_types()) == []
