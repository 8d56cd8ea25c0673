"""Telegram's bots."""

from __future__ import annotations

import pytest
from support.channel_stand_ins import BOT_TOKEN


@pytest.mark.parametrize(
    ("message", "method"),
    [
        ("olá", "sendMessage"),
        ({"text": "<b>olá</b>", "parse_mode": "HTML"}, "sendMessage"),
        ({"photo": "https://x/y.png", "caption": "y"}, "sendPhoto"),
        ({"action": "typing"}, "sendChatAction"),
    ],
)
async def test_the_message_says_the_method(through, message, method):
    outcome, provider = await through("telegram", message, to=1111111)
    assert provider.calls[0].path == f"/bot{BOT_TOKEN}/{method}"
    assert provider.sent[0]["chat_id"] == "1111111"
    assert outcome.output["message_id"] == (None if method == "sendChatAction" else "1")


async def test_an_object_that_no_method_takes_is_refused(through):
    outcome, provider = await through("telegram", {"colour": "red"})
    assert (outcome.type, provider.calls) == ("invalid_message", [])


@pytest.mark.parametrize(
    ("plan", "kind", "retryable", "wait"),
    [
        ("transient", "provider_unavailable", True, None),
        ("rate", "rate_limited", True, 7.0),
        ("permanent", "recipient_unavailable", False, None),
        ("nobody", "invalid_recipient", False, None),
        ("moved", "invalid_recipient", False, None),
        ("entities", "message_rejected", False, None),
        ("revoked", "channel_unauthorized", False, None),
        ("unknown", "channel_unauthorized", False, None),
    ],
)
async def test_its_errors_have_stable_types(through, plan, kind, retryable, wait):
    outcome, _ = await through("telegram", plan=[plan])
    assert (outcome.type, outcome.retryable, outcome.retry_after) == (kind, retryable, wait)
    assert outcome.details["description"]


async def test_a_group_that_moved_tells_its_new_id(through):
    outcome, _ = await through("telegram", plan=["moved"])
    assert outcome.details["parameters"] == {"migrate_to_chat_id": -100}
