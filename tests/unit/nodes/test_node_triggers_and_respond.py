"""Triggers' params, and the node that answers."""

from __future__ import annotations

import pytest

from flowrun.domain.definition import NodeDefinition
from flowrun.domain.node_type import Respond
from flowrun.errors import InvalidInputError
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.registry import builtin_types

REGISTRY = builtin_types()


def issues(name, **params):
    return [str(issue) for issue in REGISTRY.get(name).issues(NodeDefinition(id="n", type=name, params=params))]


def test_webhook_defaults():
    checked = REGISTRY.get("webhook").check({"path": "/orders/{id}/", "auth": "none"})
    assert checked == {
        "path": "orders/{id}", "auth": "none", "methods": ["POST"], "response_mode": "immediate",
        "sync_timeout": 30.0, "filter": None, "map": None, "idempotency_key": None, "provider": None,
        "rate_limit": None, "name": "", "description": "",
    }  # fmt: skip


def test_webhook_auth_has_to_be_written_out():
    (missing,) = issues("webhook", path="a")
    assert missing.startswith("auth: is required")
    for scheme in ("`none`", "bearer", "basic", "hmac", "standard_webhooks", "github", "stripe", "slack", "meta"):
        assert scheme in missing
    for other in ("hmac", None, "{{ vars.auth }}", ["none"]):
        (refused,) = issues("webhook", path="a", auth=other)
        assert refused.startswith("auth: must say who may call")


@pytest.mark.parametrize(
    "path",
    ["", "/", 3, "a//b", "a/../b", "a/{1}", "a/{id}/{id}", "a b", "a/{id}x", "a%2fb", "a?b", "{{ x }}", "a" * 501],
)
def test_webhook_refuses_a_path(path):
    assert [line for line in issues("webhook", path=path, auth="none") if line.startswith("path: ")]


@pytest.mark.parametrize("path", ["a", "/a/", "a/{id}/b-c_d.e~f", "{a}/{b}", "v1:run@x"])
def test_webhook_takes_a_path(path):
    assert issues("webhook", path=path, auth="none") == []


def test_webhook_methods_and_times():
    check = REGISTRY.get("webhook").check
    base = {"path": "a", "auth": "none"}
    assert check(base | {"methods": ["get", "POST", "GET"]})["methods"] == ["GET", "POST"]
    assert check(base | {"methods": "put"})["methods"] == ["PUT"]
    assert check(base | {"syncTimeout": "1m"})["sync_timeout"] == 60.0
    for bad in ({"methods": []}, {"methods": ["POTS"]}, {"methods": [1]}, {"sync_timeout": 0}, {"sync_timeout": "6m"}):
        with pytest.raises(InvalidInputError, match=next(iter(bad))):
            check(base | bad)


def test_webhook_expressions_are_left_alone():
    params = {
        "path": "a",
        "auth": "none",
        "filter": "trigger.x",
        "map": {"a": "{{ b }}"},
        "idempotencyKey": "trigger.y",
    }
    checked = REGISTRY.get("webhook").check(params)
    assert (checked["filter"], checked["map"], checked["idempotency_key"]) == (
        "trigger.x",
        {"a": "{{ b }}"},
        "trigger.y",
    )
    assert REGISTRY.get("webhook").deferred_params == {"auth", "filter", "map", "idempotency_key"}
    assert issues("webhook", path="a", auth="none", idempotencyKey=" ") == [
        "idempotencyKey: must be an expression, not empty"
    ]


def test_manual_inputs():
    checked = REGISTRY.get("manual").check({"inputs": {"type": {"type": "string", "required": True}}})
    assert checked["inputs"] == {"type": {"type": "string", "required": True, "default": None, "description": ""}}
    found = issues("manual", inputs={"a": {"typ": "string"}, "b": {"type": "strin"}})
    assert found == [
        "inputs.a.typ: is not a param; there are type, required, default, description (did you mean 'type'?)",
        (
            "inputs.b.type: must be one of 'any', 'string', 'number', 'integer', 'boolean', 'object', 'array' "
            "(did you mean 'string'?)"
        ),
    ]


async def respond(params, value=None):
    node_type = REGISTRY.get("respond")
    job = NodeJob(node_type.check(params), value, "e", "t", "w", "n", "", 1, "k")
    return await node_type.run(job, Services(None))


async def test_respond_answers():
    output = {"status": 201, "headers": {"X-Id": "7", "X-Yes": "true"}, "body": None}
    params = {"status": "201", "headers": {"X-Id": 7, "X-Yes": True, "X-No": None}, "body": None}
    assert await respond(params, "in") == Respond(output, 201, output["headers"], None)
    assert (await respond({}, {"a": 1})).body == {"a": 1}
    assert (await respond({}, {"a": 1})).output == {"status": 200, "headers": {}, "body": {"a": 1}}


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"status": 199}, "status"),
        ({"status": 600}, "status"),
        ({"status": "ok"}, "status"),
        ({"headers": {"X": "a\r\nSet-Cookie: b"}}, "headers"),
        ({"headers": {"a b": "c"}}, "headers"),
        ({"headers": {"Content-Length": 3}}, "headers"),
        ({"headers": {"Strict-Transport-Security": "max-age=1"}}, "headers"),
        ({"headers": {"X": "☃"}}, "headers"),
        ({"headers": {"X": "a" * 8_001}}, "headers"),
        ({"headers": {"X": [1]}}, "headers"),
        ({"headers": "x"}, "headers"),
    ],
)
def test_respond_refuses(params, path):
    with pytest.raises(InvalidInputError) as raised:
        REGISTRY.get("respond").check(params)
    assert [issue.path for issue in raised.value.issues] == [path]
