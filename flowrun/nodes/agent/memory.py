"""What an agent remembers of a conversation: what was said in its last turns, each turn once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import orjson

from flowrun.domain.json import JsonObject, JsonValue

MOST_TURNS = 50
MOST_BYTES = 262_144
_LONGEST_TEXT = 32_768
"""Characters of one message that are kept."""
_LARGEST_OUTPUT = 65_536

Turns = Sequence[JsonObject]


class Conversations(Protocol):
    """The stored conversations: for each a list of turns, oldest first."""

    async def turns(self, tenant_id: str, workflow_id: str, conversation_id: str) -> Turns:
        """Return the turns of a conversation; none when there is no such conversation."""

    async def change(
        self, tenant_id: str, workflow_id: str, conversation_id: str, change: Callable[[Turns], Turns]
    ) -> None:
        """Replace the turns by what a pure function makes of them, at once for everyone."""


def make_turn(key: str, prompt: str, text: str, output: JsonObject) -> JsonObject:
    """Make the record of a turn; an output that is too long is left out."""
    turn: JsonObject = {"key": key, "user": _cut(prompt), "assistant": _cut(text)}
    if len(orjson.dumps(output)) <= _LARGEST_OUTPUT:
        turn["output"] = output
    return turn


def with_turn(turns: Turns, turn: JsonObject) -> Turns:
    """Add a turn, or put it where its earlier attempt is; the oldest give way."""
    kept = [turn if other["key"] == turn["key"] else other for other in turns]
    if turn not in kept:
        kept.append(turn)
    kept = kept[-MOST_TURNS:]
    sizes = [len(orjson.dumps(one)) for one in kept]
    while len(kept) > 1 and sum(sizes) > MOST_BYTES:
        del kept[0], sizes[0]
    return kept


def earlier_output(turns: Turns, key: str) -> JsonObject | None:
    """Return what an earlier attempt at the same turn gave: it was remembered, but its result got lost."""
    for turn in turns:
        output = turn.get("output")
        if turn["key"] == key and isinstance(output, dict):
            return output
    return None


def messages_before(turns: Turns, key: str, most: int) -> list[JsonValue]:
    """Return the latest messages of the turns before this one, as the model is sent them; a turn is never halved."""
    before: list[JsonValue] = []
    others = [turn for turn in turns if turn["key"] != key]
    for turn in others[len(others) - min(most // 2, len(others)) :]:
        before.append({"role": "user", "content": turn["user"]})
        before.append({"role": "assistant", "content": turn["assistant"]})
    return before


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]} […]"
