"""Tools that are Python: the model's arguments are variables in the real sandbox."""

from __future__ import annotations

import json

import pytest

from flowrun.domain.definition import NodeDefinition
from flowrun.errors import InvalidInputError
from flowrun.nodes.types.agent import Agent

from .conftest import call


def tool(source, **more):
    return {
        "type": "code",
        "name": "compute",
        "description": "Computes.",
        "parameters": {
            "type": "object",
            "properties": {"price": {"type": "number"}, "count": {"type": "integer"}},
            "required": ["price"],
        },
        "source": source,
        **more,
    }


def told(llm):
    return [json.loads(one["content"]) for one in llm.seen[-1].body["messages"] if one["role"] == "tool"]


@pytest.mark.parametrize(
    ("source", "inputs", "arguments", "result"),
    [
        ("price * rate", {"rate": 2}, {"price": 21}, 42),
        ("return [price, count]", {}, {"price": 1, "count": 3}, [1, 3]),
        ("return [price, count]", {}, {"price": 1}, [1, None]),
        ("return input", {}, {"price": 1, "len": "mine"}, {"price": 1, "len": "mine"}),
        ("return len(str(price))", {}, {"price": 12, "len": "mine"}, 2),
    ],
)
async def test_the_arguments_are_variables(agent, script, source, inputs, arguments, result):
    llm = script(call("compute", **arguments), {"text": "done"})
    outcome = await agent(tools=[tool(source, inputs=inputs)])
    assert outcome.output["text"] == "done"
    assert told(llm) == [result]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("price / 0", "code_error: line 1: ZeroDivisionError"),
        ("open('/etc/passwd').read()", "code_error: line 1: "),
        ("while True: pass", "code_timeout: the code took longer than 0.2 s"),
        ("x = 'x' * 100_000_000", "code_memory: "),
        ("{1, 2}", "invalid_output: the result is not JSON"),
    ],
)
async def test_what_goes_wrong_is_told(agent, script, source, error):
    llm = script(call("compute", price=1), {"text": "sorry"})
    outcome = await agent(tools=[tool(source, timeout=0.2, memory_mb=8)])
    assert outcome.output["text"] == "sorry"
    assert told(llm)[0]["error"].startswith(error)


async def test_arguments_that_do_not_fit_never_reach_the_code(agent, script):
    llm = script(call("compute", price="much"), {"text": "sorry"})
    await agent(tools=[tool("return price")])
    assert "price:" in told(llm)[0]["error"]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"source": "return ("}, "tools[0].source: line 1:"),
        ({"source": "f'{{x}}'"}, "tools[0].source: must not hold `{{`"),
        ({"source": "1", "inputs": {"key": "{{ secrets.KEY }}"}}, "tools[0].inputs: must not hold a secret"),
        ({"source": "1", "inputs": {"input": 1}}, "'input' in its parameters or inputs"),
        (
            {"source": "1", "parameters": {"type": "object", "properties": {"a-b": {}}}},
            "'a-b' in its parameters or inputs",
        ),
        ({"source": "1", "url": "https://a.example"}, "tools[0].url: is not a param"),
        ({"source": "1", "type": "shell"}, "tools[0]: 'type' must be one of 'http', 'code', 'workflow'"),
        ({"source": "1", "timeout": 0}, "tools[0].timeout: must be greater than 0"),
    ],
)
def test_a_wrong_tool_is_refused_when_the_workflow_is_saved(params, said):
    written = {"model": "m", "prompt": "p", "tools": [tool("1") | params]}
    issues = [str(issue) for issue in Agent().issues(NodeDefinition("a", "agent", params=written))]
    assert any(said in issue for issue in issues), issues


def test_a_secret_in_a_workflows_input_is_refused():
    described = {"type": "workflow", "name": "x", "description": "x", "workflow_id": "w"}
    written = {"model": "m", "prompt": "p", "tools": [described | {"input": {"key": "{{ secrets.KEY }}"}}]}
    (issue,) = Agent().issues(NodeDefinition("a", "agent", params=written))
    assert issue.path == "tools[0].input"


async def test_without_other_workflows_the_turn_ends(agent, script):
    script(call("x"))
    outcome = await agent(tools=[{"type": "workflow", "name": "x", "description": "x", "workflow_id": "w"}])
    assert (outcome.type, outcome.retryable) == ("no_workflows", False)


async def test_a_tool_without_a_type_is_an_http_call(agent):
    with pytest.raises(InvalidInputError, match=r"tools\[0\].url: is required"):
        await agent(tools=[{"name": "x", "description": "x"}])
