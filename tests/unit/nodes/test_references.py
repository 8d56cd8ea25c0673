"""What a node names, whatever the spelling and however deep."""

from __future__ import annotations

import pytest

from flowrun.nodes.references import Reference, references


@pytest.mark.parametrize(
    ("node_type", "params", "found"),
    [
        ("http", {"url": "https://x/{{ secrets.A }}?{{ secrets['B'] }}"}, ["secret A url", "secret B url"]),
        ("http", {"headers": {"x": ["{{ secrets . A }}"]}}, ["secret A headers.x[0]"]),
        ("http", {"url": "https://x/secrets.A", "body": "{{ input.secrets }} {{ nosecrets.A }}"}, []),
        ("webhook", {"auth": {"secrets": ["A", "B"]}}, ["secret A auth.secrets[0]", "secret B auth.secrets[1]"]),
        ("webhook", {"auth": {"type": "channel", "channel": "line"}}, ["channel line auth.channel"]),
        ("webhook", {"auth": "none"}, []),
        ("send", {"channel": "line"}, ["channel line channel"]),
        ("send", {"channel": "{{ input.line }}"}, []),
        ("workflow", {"workflow_id": "sub"}, ["workflow sub workflow_id"]),
        ("workflow", {"workflowId": "sub"}, ["workflow sub workflowId"]),
        ("workflow", {}, []),
        ("agent", {"tools": [{"type": "http"}, {"workflowId": "sub"}]}, ["workflow sub tools[1].workflowId"]),
        ("agent", {"tools": None}, []),
    ],
)  # fmt: skip
def test_what_a_node_names_is_found(node_type, params, found):
    assert list(references(node_type, params)) == [Reference(*line.split()) for line in found]
