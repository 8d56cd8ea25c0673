"""Tools: what the model may call, how its arguments travel, what it is told."""

from __future__ import annotations

import base64
import json

import pytest
from support.recording_server import response

from flowrun.domain.node_type import Completed

from .conftest import call


def answered(document, status=200, **headers):
    return response(status, json.dumps(document).encode(), "application/json", **headers)


@pytest.fixture
def tool(server):
    """A tool that is a path of the recording server."""

    def described(path="/orders/{number}", **more):
        arguments = {"number": {"type": "string"}, "full": {"type": "boolean"}, "note": {"type": "string"}}
        return {
            "name": "find_order",
            "description": "Finds an order.",
            "parameters": {"type": "object", "properties": arguments, "required": ["number"]},
            "url": f"{server.url}{path}",
        } | more

    return described


def told(llm):
    """What the last request told the model of its tool calls."""
    return [json.loads(one["content"]) for one in llm.seen[-1].body["messages"] if one["role"] == "tool"]


async def test_a_tool_is_called_and_its_result_told(agent, script, server, tool):
    llm = script(call("find_order", number="47/11", full=True), {"text": "It is on its way."})
    server.answers["/orders/47%2F11"] = answered({"state": "sent"})
    outcome = await agent(tools=[tool(headers={"X-Api-Key": "shop-secret-1"})])
    assert outcome.output["text"] == "It is on its way."
    assert outcome.output["usage"] == {"requests": 2, "input_tokens": 20, "output_tokens": 10}
    (record,) = outcome.output["tool_calls"]
    assert (record["name"], record["arguments"]) == ("find_order", {"number": "47/11", "full": True})
    assert json.loads(record["result"]) == {"status": 200, "body": {"state": "sent"}}
    (request,) = server.requests
    assert (request.method, request.target) == ("GET", "/orders/47%2F11?full=true")
    assert request.headers["x-api-key"] == "shop-secret-1"
    assert request.headers["idempotency-key"].startswith("e:n:0:find_order:")
    (definition,) = llm.seen[0].body["tools"]
    assert definition["function"].keys() == {"name", "description", "parameters"}
    assert told(llm) == [{"status": 200, "body": {"state": "sent"}}]


async def test_numbers_beyond_64_bits_lose_no_digits(agent, script, server, tool):
    long = "12345678901234567890123"
    parameters = {"type": "object", "properties": {"number": {}}}
    described = tool(method="POST", parameters=parameters, url=f"{server.url}/orders")
    step = {"tool_calls": [{"name": "find_order", "arguments": f'{{"number": {long}}}'}]}
    script(step, {"text": "done"})
    outcome = await agent(tools=[described])
    assert json.loads(server.requests[0].body) == {"number": long}
    assert outcome.output["tool_calls"][0]["arguments"] == {"number": long}
    whole = parameters | {"properties": {"number": {"type": "integer"}}}
    llm = script(step, {"text": "done"})
    await agent(tools=[described | {"parameters": whole}])
    assert "number: must be of type integer" in told(llm)[0]["error"]
    assert len(server.requests) == 1


async def test_the_secrets_of_a_tool_are_not_told_in_any_spelling(agent, script, server, tool):
    llm = script(call("find_order", number="7"), call("find_order", number="8"), {"text": "done"})
    in_url, in_header, password = "urlsecret99", 'quo"ted/slash', "shop-password"
    basic = base64.b64encode(f"me:{password}".encode()).decode()
    echo = {"headers": {"x-shop": in_header}, "in json": json.dumps({"x-shop": in_header}), "authorization": basic}
    server.answers[f"/{in_url}/orders/7"] = response(404, f"Cannot GET /{in_url}/orders/7".encode(), "text/plain")
    server.answers[f"/{in_url}/orders/8"] = answered(echo)
    headers = {"X-Shop": in_header, "Authorization": f"Basic {basic}"}
    described = tool(f"/{in_url}/orders/{{number}}", headers=headers)
    outcome = await agent(tools=[described], hidden=(in_url, in_header, password))
    missing, echoed = told(llm)
    assert missing == {"status": 404, "body": "Cannot GET /***/orders/7"}
    assert (echoed["body"]["headers"], echoed["body"]["in json"]) == ({"x-shop": "***"}, '{"x-shop": "***"}')
    shown = json.dumps([llm.seen[-1].body["messages"], outcome.output])
    assert not [text for text in (in_url, "slash", password, basic[4:-4]) if text in shown]


async def test_a_post_sends_the_other_arguments_as_json(agent, script, server, tool):
    script(call("find_order", number="7", note="hello"), {"text": "done"})
    server.answers["/orders/7"] = answered({}, status=201)
    await agent(tools=[tool(method="POST")])
    (request,) = server.requests
    assert (request.method, json.loads(request.body)) == ("POST", {"note": "hello"})


async def test_calls_of_one_answer_run_together_and_keep_their_order(agent, script, server, tool):
    calls = [{"name": "find_order", "arguments": {"number": str(number)}} for number in range(3)]
    llm = script({"tool_calls": calls}, {"text": "done"})
    for number in range(3):
        server.answers[f"/orders/{number}"] = answered(number)
    outcome = await agent(tools=[tool()])
    assert [one["body"] for one in told(llm)] == [0, 1, 2]
    assert [one["arguments"]["number"] for one in outcome.output["tool_calls"]] == ["0", "1", "2"]


async def test_the_same_call_in_another_attempt_has_the_same_key(agent, script, server, tool):
    server.answers["/orders/7"] = answered({})
    for _ in range(2):
        script(call("find_order", number="7"), call("find_order", number="7"), {"text": "done"})
        await agent(tools=[tool()])
    keys = [request.headers["idempotency-key"] for request in server.requests]
    assert keys[:2] == keys[2:]
    assert keys[0] != keys[1]


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (call("other"), "there is no tool other"),
        (call("find_order"), "the arguments do not fit"),
        (call("find_order", number=7), "number:"),
        (call("find_order", number=".."), "must be given"),
        ({"tool_calls": [{"name": "find_order", "arguments": '{"number": '}]}, "are not JSON"),
        ({"tool_calls": [{"name": "find_order", "arguments": "[1]"}]}, "must be an object"),
    ],
)
async def test_a_wrong_call_is_told_to_the_model(agent, script, server, tool, step, error):
    llm = script(step, {"text": "sorry"})
    outcome = await agent(tools=[tool()])
    assert outcome.output["text"] == "sorry"
    assert error in told(llm)[0]["error"]
    assert server.requests == []


async def test_a_failing_tool_is_told_to_the_model(agent, script, server, tool):
    llm = script(call("find_order", number="1"), call("find_order", number="2"), {"text": "no luck"})
    server.answers["/orders/1"] = answered({"why": "unknown"}, status=404)

    async def hangs_up(_request, _writer):
        return False

    server.answers["/orders/2"] = hangs_up
    assert isinstance(await agent(tools=[tool()]), Completed)
    first, second = told(llm)
    assert first == {"status": 404, "body": '{"why": "unknown"}'}
    assert second["error"].startswith("connection_error")


async def test_a_redirect_to_a_private_address_fails_the_node(agent, script, server, tool):
    script(call("find_order", number="1"), {"text": "secret metadata"})
    server.answers["/orders/1"] = response(302, Location="http://169.254.169.254/latest")
    outcome = await agent(tools=[tool()])
    assert (outcome.type, outcome.retryable) == ("address_refused", False)
    assert "find_order" in outcome.message


async def test_credentials_that_a_tool_echoes_are_hidden(agent, script, server, tool):
    llm = script(call("find_order", number="1"), {"text": "done"})
    server.answers["/orders/1"] = answered({"you_sent": "Bearer shop-secret-1"})
    outcome = await agent(tools=[tool(headers={"Authorization": "Bearer shop-secret-1"})])
    assert "shop-secret-1" not in str(outcome) + str(llm.seen[-1].body)


async def test_a_long_result_is_cut(agent, script, server, tool):
    llm = script(call("find_order", number="1"), {"text": "done"})
    server.answers["/orders/1"] = answered("x" * 500_000)
    outcome = await agent(tools=[tool()])
    assert len(llm.seen[-1].body["messages"][-1]["content"]) < 33_000
    assert len(outcome.output["tool_calls"][0]["result"]) < 2_100
