"""An attempt at an `agent` node: what is remembered, the turn, and the outcome that is made of it."""

from __future__ import annotations

from typing import Any

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import Completed, Failed, Outcome
from flowrun.nodes.agent.chat import Chat
from flowrun.nodes.agent.errors import AgentError
from flowrun.nodes.agent.memory import Turns, earlier_output, make_turn, messages_before, with_turn
from flowrun.nodes.agent.providers import place_of
from flowrun.nodes.agent.redaction import credentials_scrubber
from flowrun.nodes.agent.structured import instructions, response_format
from flowrun.nodes.agent.tools import Toolbox
from flowrun.nodes.agent.turn import Answer, Turn, Usage
from flowrun.nodes.http_errors import HttpError
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.output import bounded
from flowrun.nodes.scrubbing import Scrubber


async def run_agent(job: NodeJob, services: Services) -> Outcome:
    """Take the turn. One that an earlier attempt took and remembered is not taken again."""
    params: Any = job.params
    conversation, store = params["conversation_id"], services.conversations
    if conversation is None:
        return await _taken(_turn(job, services, []))
    if store is None:
        return Failed("no_memory", "Conversations are not stored here: leave `conversation_id` out")
    place = (job.tenant_id, job.workflow_id, conversation)
    turns = await store.turns(*place)
    earlier = earlier_output(turns, job.idempotency_key)
    if earlier is not None:
        return Completed(earlier)
    # Before it is remembered, as it would be shown and told to the model again.
    scrubber = Scrubber(job.hidden)
    outcome = scrubber.outcome(await _taken(_turn(job, services, turns)))
    if isinstance(outcome, Completed) and isinstance(outcome.output, dict):
        text = str(outcome.output["text"])
        turn = make_turn(job.idempotency_key, scrubber.text(params["prompt"]), text, outcome.output)
        await store.change(*place, lambda now: with_turn(now, turn))
    return outcome


def _turn(job: NodeJob, services: Services, turns: Turns) -> Turn:
    params: Any = job.params
    scrubber = credentials_scrubber(job)
    toolbox = Toolbox.of(job, services, scrubber)
    place = place_of(params["model"], params["base_url"])
    schema, system = params["output_schema"], params["system"]
    fields: JsonObject = dict(params["options"])
    if params["temperature"] is not None:
        fields["temperature"] = params["temperature"]
    if toolbox.tools:
        fields["tools"] = toolbox.definitions()
    if schema is not None:
        system = f"{system}\n\n{instructions(schema)}".strip()
        enforced = response_format(schema, params["output_mode"], place)
        if enforced is not None:
            fields["response_format"] = enforced
    messages: list[JsonValue] = [{"role": "system", "content": system}] if system else []
    messages += messages_before(turns, job.idempotency_key, params["limits"]["messages"])
    messages.append({"role": "user", "content": params["prompt"]})
    chat = Chat(services.http, place, params["api_key"], scrubber, params["timeout"], fields)
    return Turn(chat, toolbox, params["limits"], messages, schema, Usage(params["prices"]), job.log)


async def _taken(turn: Turn) -> Outcome:
    try:
        answer = await turn.run()
    except AgentError as error:
        return error.outcome(turn.usage.document())
    except HttpError as error:
        failed = error.outcome()
        failed.details = {"usage": turn.usage.document()}
        return failed
    return bounded(Completed(_output(turn, answer)))


def _output(turn: Turn, answer: Answer) -> JsonObject:
    output: JsonObject = {
        "text": answer.text,
        "usage": turn.usage.document(),
        "model": turn.chat.place.model,
        "finish_reason": answer.finish_reason,
        "tool_calls": turn.toolbox.record,
    }
    if turn.schema is not None:
        output["data"] = answer.data
    return output
