"""What an agent remembers: each turn once, bounded, and per conversation."""

from __future__ import annotations

from flowrun.domain.definition import NodeDefinition
from flowrun.domain.node_type import Failed
from flowrun.nodes.agent.memory import MOST_BYTES, MOST_TURNS, earlier_output, make_turn, messages_before, with_turn
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.types.agent import Agent

from .conftest import KEY


def turn(key, text="x"):
    return make_turn(key, f"prompt {key}", text, {"text": text})


async def test_the_second_run_knows_what_was_said_in_the_first(agent, script):
    llm = script({"text": "Nice to meet you, Ada."}, {"text": "You are Ada."})
    await agent(prompt="I am Ada", conversation_id="c", key="one", system="Hi")
    await agent(prompt="Who am I?", conversation_id="c", key="two", system="Hi")
    assert llm.seen[1].body["messages"] == [
        {"role": "system", "content": "Hi"},
        {"role": "user", "content": "I am Ada"},
        {"role": "assistant", "content": "Nice to meet you, Ada."},
        {"role": "user", "content": "Who am I?"},
    ]


async def test_a_redelivered_attempt_neither_asks_nor_remembers_again(agent, script, conversations):
    llm = script({"text": "first"}, {"text": "second"})
    first = await agent(conversation_id="c")
    again = await agent(conversation_id="c")
    assert first == again
    assert len(llm.seen) == 1
    assert conversations.writes == 1
    assert len(conversations.rows["t", "w", "c"]) == 1


async def test_a_failed_turn_is_not_remembered(agent, script, conversations):
    script({"status": 500}, {"text": "now"})
    await agent(conversation_id="c")
    assert conversations.writes == 0
    await agent(conversation_id="c")
    assert conversations.writes == 1


async def test_secrets_are_not_remembered(agent, script, conversations):
    script({"text": f"My key is {KEY}, keep it"})
    outcome = await agent(conversation_id="c", prompt=f"Is it {KEY}?", hidden=(KEY,))
    assert outcome.output["text"] == "My key is ***, keep it"
    (kept,) = conversations.rows["t", "w", "c"]
    assert (kept["user"], kept["assistant"], kept["output"]) == ("Is it ***?", "My key is ***, keep it", outcome.output)


async def test_conversations_are_apart_and_numbers_are_ids(agent, llm, conversations):
    await agent(conversation_id=5511999)
    await agent(conversation_id="other", key="two")
    await agent(conversation_id=None, key="three")
    assert conversations.rows.keys() == {("t", "w", "5511999"), ("t", "w", "other")}
    assert all(len(request.body["messages"]) == 1 for request in llm.seen)


async def test_without_a_store_it_says_so(client, llm):
    node_type = Agent()
    given = {"model": "m", "base_url": llm.url, "prompt": "x", "conversation_id": "c"}
    job = NodeJob(node_type.check(given), None, "e", "t", "w", "n", "", 1, "k")
    outcome = await node_type.run(job, Services(client))
    assert isinstance(outcome, Failed)
    assert (outcome.type, llm.seen) == ("no_memory", [])


def test_an_attempt_takes_the_place_of_an_earlier_one():
    large = make_turn("b", "p", "x", {"text": "x" * 100_000})
    turns = with_turn([turn("a"), large], turn("b", "new"))
    assert [one["key"] for one in turns] == ["a", "b"]
    assert earlier_output([large], "b") is None
    assert earlier_output(turns, "b") == {"text": "new"}


def test_it_is_bounded_in_turns_and_bytes():
    turns = []
    for number in range(MOST_TURNS + 10):
        turns = with_turn(turns, turn(str(number)))
    assert [one["key"] for one in turns] == [str(number) for number in range(10, MOST_TURNS + 10)]
    for number in range(20):
        turns = with_turn(turns, turn(f"long {number}", "ü" * 40_000))
    assert 1 <= len(turns) < 5
    assert len(str(turns).encode()) <= MOST_BYTES * 1.1
    assert turns[-1]["key"] == "long 19"


def test_only_the_latest_messages_are_sent_and_never_the_turn_itself():
    turns = [turn(str(number)) for number in range(5)]
    assert [one["content"] for one in messages_before(turns, "4", 5)][::2] == ["prompt 2", "prompt 3"]
    assert messages_before(turns, "x", 0) == []
    assert len(messages_before(turns, "x", 100)) == 10


def test_what_the_model_is_told_holds_no_secrets():
    params = {"model": "m", "prompt": "the key is {{ secrets.KEY }}", "api_key": "{{ secrets.KEY }}"}
    issues = Agent().issues(NodeDefinition(id="n", type="agent", params=params))
    assert [issue.path for issue in issues] == ["prompt"]
