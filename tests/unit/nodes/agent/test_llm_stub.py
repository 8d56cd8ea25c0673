"""The stand-in refuses what a real endpoint refuses, and answers as its script says."""

from __future__ import annotations

import orjson
import pytest

from flowrun.errors import MalformedError
from flowrun.nodes.agent.stub.checks import request_problem
from flowrun.nodes.agent.stub.script import Script
from flowrun.nodes.http_client import HttpRequest

from .conftest import KEY

USER = {"role": "user", "content": "x"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "1"}
RIGHT = {"model": "m", "messages": [USER, CALLED, RESULT, USER]}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (RIGHT, None),
        (None, "must be a JSON object"),
        (RIGHT | {"model": ""}, "model: is required"),
        (RIGHT | {"messages": []}, "at least one message"),
        (RIGHT | {"messages": [{"role": "robot"}]}, "must have a role"),
        (RIGHT | {"messages": [{"role": "user", "content": 7}]}, "must have a content"),
        (RIGHT | {"messages": [USER, CALLED]}, "c1 has not been answered"),
        (RIGHT | {"messages": [USER, CALLED, USER]}, "comes before the tool call c1"),
        (RIGHT | {"messages": [USER, RESULT]}, "answers no tool call"),
        (RIGHT | {"messages": [{"role": "assistant", "tool_calls": [{"id": "c"}]}]}, "tool_calls must have"),
        (RIGHT | {"tools": []}, "at least one tool"),
        (RIGHT | {"tools": [{"name": "f"}]}, "must be {type: function"),
        (RIGHT | {"tool_choice": "perhaps"}, "tool_choice: is unknown"),
        (RIGHT | {"temperature": 3}, "must be 0 to 2"),
        (RIGHT | {"stream": True}, "is not supported"),
        (RIGHT | {"response_format": {"type": "xml"}}, "must have a type"),
        (RIGHT | {"response_format": {"type": "json_schema"}}, "needs json_schema"),
        (
            RIGHT | {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}},
            "a schema of type object",
        ),
    ],
)
def test_a_body_is_checked(body, problem):
    found = request_problem(body)
    assert (found is None) if problem is None else problem in found


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/chat/completions", {}, 200),
        ("GET", "/models", {}, 200),
        ("GET", "/chat/completions", {}, 405),
        ("POST", "/completions", {}, 404),
        ("POST", "/chat/completions", {"authorization": "Bearer wrong"}, 401),
        ("POST", "/chat/completions", {"content-type": "text/plain"}, 415),
    ],
)
async def test_a_request_is_checked(llm, client, method, path, headers, status):
    given = {"authorization": f"Bearer {KEY}", "content-type": "application/json"} | headers
    answer = await client.send(HttpRequest(method, f"{llm.url}{path}", given, orjson.dumps(RIGHT)))
    assert answer.status == status
    assert llm.seen[0].status == status
    if status >= 400:
        assert orjson.loads(answer.body)["error"].keys() == {"message", "type", "param", "code"}


def test_steps_are_taken_in_order_where_they_fit():
    script = Script.of([{"when": "a", "text": "1", "times": 2}, {"text": "2"}, {"when": "b", "text": "3"}])
    assert [script.next(said).text for said in ("b", "an a", "b", "a", "a")] == ["2", "1", "3", "1", None]


def test_a_script_is_read_from_a_file(tmp_path):
    file = tmp_path / "script.yaml"
    file.write_text("- text: hello\n- {status: 429, retry_after: 2, times: forever}\n")
    script = Script.read(file)
    assert script.next("").text == "hello"
    assert script.next("").status == 429


@pytest.mark.parametrize("content", ["text: hello", "- txt: hello", "- status: many", "- : -"])
def test_a_wrong_script_is_refused(tmp_path, content):
    file = tmp_path / "script.yaml"
    file.write_text(content)
    with pytest.raises(MalformedError):
        Script.read(file)
