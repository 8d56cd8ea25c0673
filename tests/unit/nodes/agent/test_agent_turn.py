"""A turn of an agent against the stand-in: answers, structured output, failures, limits, cancellation."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from flowrun.domain.node_type import Completed
from flowrun.errors import InvalidInputError
from flowrun.nodes.http_client import HttpClient

from .conftest import KEY, call

SCHEMA = {
    "type": "object",
    "properties": {"mood": {"enum": ["good", "bad"]}, "score": {"type": "integer"}},
    "required": ["mood"],
}
FIT, UNFIT = {"mood": "good", "score": 3}, {"mood": "so-so"}
PING = {"name": "ping", "description": "Pings.", "url": "https://example.com/"}


async def test_it_answers(agent, script):
    llm = script({"text": "Hi!", "usage": {"input_tokens": 7, "output_tokens": 2}})
    outcome = await agent(system="Be brief.", temperature=0.5, options={"seed": 1})
    assert outcome == Completed(
        {
            "text": "Hi!",
            "usage": {"requests": 1, "input_tokens": 7, "output_tokens": 2},
            "model": "stub",
            "finish_reason": "stop",
            "tool_calls": [],
        }
    )
    (request,) = llm.seen
    assert (request.method, request.path, request.status) == ("POST", "/v1/chat/completions", 200)
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body == {
        "model": "stub",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
        "temperature": 0.5,
        "seed": 1,
    }


async def test_without_a_key_no_header_is_sent(agent, llm):
    llm._api_key = None
    assert isinstance(await agent(api_key=None), Completed)
    assert "authorization" not in llm.seen[0].headers


async def test_usage_that_is_not_told_is_zero(agent, script):
    script({"text": "Hi", "usage": None})
    assert (await agent()).output["usage"] == {"requests": 1, "input_tokens": 0, "output_tokens": 0}


async def test_structured_output(agent, script):
    llm = script({"data": FIT})
    outcome = await agent(output_schema=SCHEMA, system="Judge.")
    assert outcome.output["data"] == FIT
    body = llm.seen[0].body
    assert body["response_format"] == {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
    assert body["messages"][0]["content"].startswith("Judge.\n\nAnswer with JSON only")


async def test_structured_output_in_words_only(agent, script):
    llm = script({"text": '```json\n["a"]\n```'}, {"text": '{"mood": "bad"}'})
    listed = await agent(output_schema={"type": "array", "items": {"type": "string"}})
    assert listed.output["data"] == ["a"]
    told = await agent(output_schema=SCHEMA, output_mode="prompt")
    assert told.output["data"] == {"mood": "bad"}
    assert all("response_format" not in request.body for request in llm.seen)


@pytest.mark.parametrize("wrong", [{"text": "good, I think"}, {"data": UNFIT}])
async def test_an_answer_that_does_not_fit_is_corrected_once(agent, script, wrong):
    llm = script(wrong, {"data": FIT})
    outcome = await agent(output_schema=SCHEMA)
    assert outcome.output["data"] == FIT
    assert outcome.output["usage"]["requests"] == 2
    assert "does not fit the schema" in llm.seen[1].body["messages"][-1]["content"]


async def test_a_number_beyond_64_bits_is_no_integer_of_the_answer(agent, script):
    script({"text": '{"id": 12345678901234567890123}', "times": "forever"})
    schema = {"type": "object", "properties": {"id": {"type": "integer"}}}
    assert (await agent(output_schema=schema)).type == "unfit_answer"
    anything = await agent(output_schema={"type": "object"})
    assert anything.output["data"] == {"id": "12345678901234567890123"}


async def test_an_answer_that_still_does_not_fit_fails(agent, script):
    llm = script({"data": UNFIT, "times": "forever", "finish_reason": "length"})
    outcome = await agent(output_schema=SCHEMA)
    assert (outcome.type, outcome.retryable, len(llm.seen)) == ("unfit_answer", False, 2)
    assert 'mood: must be one of ["good","bad"]' in outcome.message
    assert "cut off" in outcome.message
    assert outcome.details["usage"]["requests"] == 2
    assert json.loads(outcome.details["text"]) == UNFIT


@pytest.mark.parametrize(
    ("step", "kind", "retryable"),
    [
        ({"status": 429}, "rate_limited", True),
        ({"status": 500}, "model_unavailable", True),
        ({"status": 503}, "model_unavailable", True),
        ({"status": 400}, "model_rejected", False),
        ({"status": 404}, "model_rejected", False),
        ({"status": 403}, "model_unauthorized", False),
        ({"status": 302}, "model_rejected", False),
        ({"raw": '{"choices": [{"mess'}, "invalid_answer", True),
        ({"raw": "{}"}, "invalid_answer", True),
        ({"raw": '{"choices": [{"message": {"content": 7}}]}'}, "invalid_answer", True),
        ({"raw": '{"error": {"code": 429, "message": "slow down"}}'}, "rate_limited", True),
        ({"raw": '{"error": "out of memory"}'}, "model_unavailable", True),
        ({"text": "", "finish_reason": "length"}, "invalid_answer", True),
        ({"text": "", "finish_reason": "content_filter"}, "model_refused", False),
        ({"refusal": "I can't help with that"}, "model_refused", False),
        ({"hang": True}, "http_timeout", True),
        ({"disconnect": True}, "connection_error", True),
    ],
)
async def test_failures_say_what_they_are(agent, script, step, kind, retryable):
    script(step)
    outcome = await agent(timeout="0.3s")
    assert (outcome.type, outcome.retryable) == (kind, retryable)
    assert outcome.details["usage"]["requests"] == 1


async def test_a_refusal_is_paid_for(agent, script):
    script({"refusal": "No.", "usage": {"input_tokens": 10, "output_tokens": 5}})
    outcome = await agent(prices={"input": 1, "output": 2})
    assert (outcome.type, outcome.message) == ("model_refused", "The model refused: No.")
    assert outcome.details["usage"] == {"requests": 1, "input_tokens": 10, "output_tokens": 5, "cost": 0.00002}


async def test_retry_after_is_handed_on(agent, script):
    script({"status": 429, "retry_after": 7, "error": "slow down"})
    outcome = await agent()
    assert (outcome.type, outcome.retry_after) == ("rate_limited", 7.0)
    assert "slow down" in outcome.details["body"]


async def test_a_wrong_key_is_not_shown(agent):
    outcome = await agent(api_key="sk-wrong-0987654321")
    assert (outcome.type, outcome.retryable, outcome.details["status"]) == ("model_unauthorized", False, 401)
    assert "sk-wrong" not in str(outcome)
    assert "Incorrect API key provided: ***" in outcome.details["body"]


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        ({"requests": 3}, "requests"),
        ({"tokens": 30}, "tokens"),
        ({"tool_calls": 1}, "tool_calls"),
        ({"seconds": 0.2}, "seconds"),
    ],
)
async def test_limits_end_an_endless_turn(agent, script, limits, named):
    llm = script(call("nothing") | {"times": "forever", "delay": 0.15 if named == "seconds" else 0})
    outcome = await agent(limits=limits, tools=[PING])
    assert (outcome.type, outcome.retryable, outcome.details["limit"]) == ("agent_limit", False, named)
    assert len(llm.seen) <= 3
    # A request that its time ends may not have reached the other side.
    assert outcome.details["usage"]["requests"] - len(llm.seen) in ((0, 1) if named == "seconds" else (0,))


async def test_money_is_counted_and_limited(agent, script):
    prices = {"input": 1_000_000, "output": 2_000_000}
    script({"text": "dear", "usage": {"input_tokens": 3, "output_tokens": 4}})
    assert (await agent(prices=prices)).output["usage"]["cost"] == 11
    script(call("nothing") | {"times": "forever"})
    outcome = await agent(prices=prices, limits={"cost": 25}, tools=[PING])
    assert (outcome.type, outcome.details["limit"]) == ("agent_limit", "cost")
    assert outcome.details["usage"] == {"requests": 2, "input_tokens": 20, "output_tokens": 10, "cost": 40}


async def test_an_empty_answer_after_tools_is_an_answer(agent, script):
    script(call("nothing"), {"text": ""})
    assert (await agent(tools=[PING])).output["text"] == ""


async def test_a_final_answer_beyond_the_tokens_is_kept(agent, script):
    script({"text": "dear", "usage": {"input_tokens": 5000, "output_tokens": 1}})
    assert isinstance(await agent(limits={"tokens": 10}), Completed)


async def test_it_stops_when_it_is_cancelled(agent, server, conversations):
    asked = asyncio.Event()

    async def never(_request, _writer):
        asked.set()
        await server.disconnected.wait()
        return False

    server.answers["/chat/completions"] = never
    task = asyncio.create_task(agent(base_url=server.url, conversation_id="c"))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert conversations.rows == {}


async def test_the_endpoint_is_guarded(agent):
    through = HttpClient()
    outcome = await agent(through=through)
    assert (outcome.type, outcome.retryable) == ("address_refused", False)
    await through.aclose()


async def test_a_hundred_turns_at_once(agent, script):
    script({"when": "odd", "delay": 0.2, "text": "odd", "times": "forever"}, {"delay": 0.2, "times": "forever"})
    begun = time.perf_counter()
    prompts = [f"{'odd' if number % 2 else 'even'} {number}" for number in range(100)]
    outcomes = await asyncio.gather(*(agent(prompt=prompt) for prompt in prompts))
    took = time.perf_counter() - begun
    answers = ["odd" if "odd" in prompt else f"You said: {prompt}" for prompt in prompts]
    assert [outcome.output["text"] for outcome in outcomes] == answers
    assert took < 5, "they run side by side: one after the other would take 20 s"


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"base_url": "ftp://x/v1"}, "base_url: must be a URL"),
        ({"api_key": "a\nb"}, "api_key: has a line break"),
        ({"options": {"messages": []}}, "options: must not have 'messages'"),
        ({"output_schema": {"type": "objekt"}}, "output_schema: has a wrong value at #/type"),
        ({"output_schema": {"$ref": "http://127.0.0.1/x"}}, "no schema in it"),
        ({"tools": [PING, PING]}, "tools: has two tools called 'ping'"),
        ({"tools": [PING | {"url": "https://{host}/x"}]}, "must not take its host from an argument"),
        ({"tools": [PING | {"url": "https://a.example/{x}"}]}, "{x} in its url"),
        ({"tools": [PING | {"headers": {"Host": "x"}}]}, "must not have 'Host'"),
        ({"limits": {"requests": 0}}, "limits.requests: must be at least 1"),
        ({"limits": {"cost": 1}}, "has a limit of cost, which needs prices"),
        ({"conversation_id": ""}, "conversation_id: must not be empty"),
    ],
)
async def test_wrong_params(agent, params, told):
    with pytest.raises(InvalidInputError) as raised:
        await agent(**params)
    assert told in str(raised.value)
