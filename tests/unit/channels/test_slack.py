"""Slack, by token and by incoming webhook."""

from __future__ import annotations

import pytest
from support.channel_bench import SUBJECTS, channel, send

from flowrun.channels import CHANNEL_TYPES
from flowrun.errors import InvalidInputError


async def test_a_text_and_blocks_go_out(through):
    outcome, provider = await through("slack", {"text": "a", "blocks": [], "thread_ts": "1.2"})
    assert provider.sent == [{"channel": "C123ABC456", "text": "a", "blocks": [], "thread_ts": "1.2"}]
    assert outcome.output["message_id"] == "1503435956.000001"


@pytest.mark.parametrize(
    ("plan", "kind", "retryable", "wait"),
    [
        ("transient", "provider_unavailable", True, None),
        ("unavailable", "provider_unavailable", True, None),
        ("rate", "rate_limited", True, 30.0),
        ("permanent", "invalid_recipient", False, None),
        ("scope", "channel_unauthorized", False, None),
        ("blocks", "message_rejected", False, None),
    ],
)
async def test_an_error_with_the_status_200_is_one_too(through, plan, kind, retryable, wait):
    outcome, _ = await through("slack", plan=[plan])
    assert (outcome.type, outcome.retryable, outcome.retry_after) == (kind, retryable, wait)


async def test_a_missing_scope_is_named(through):
    outcome, _ = await through("slack", plan=["scope"])
    assert outcome.details["needed"] == "chat:write"


@pytest.mark.parametrize(
    ("plan", "kind"),
    [([], None), (["hook_gone"], "channel_unauthorized"), (["hook_payload"], "message_rejected")],
)
async def test_an_incoming_webhook_needs_no_recipient(http, plan, kind):
    with channel(SUBJECTS["slack"]) as (provider, rows):
        rows.add("slack", {"webhook_url": f"{provider.url}/services/T0/B0/hooksecret"})
        provider.plan(*plan)
        outcome = await send(rows, http, "slack", None, "olá")
    if kind is None:
        assert (outcome.output, provider.sent) == ({"message_id": None, "response": None}, [{"text": "olá"}])
    else:
        assert (outcome.type, outcome.retryable) == (kind, False)
        assert "hooksecret" not in str(outcome)


def test_a_webhooks_path_is_a_secret_by_itself():
    credentials = CHANNEL_TYPES["slack"].check({"webhook_url": "https://hooks.slack.com/services/T0/B0/hooksecret"})
    hidden = CHANNEL_TYPES["slack"].secrets_of(credentials)
    assert {"/services/T0/B0/hooksecret", "hooksecret"} < hidden
    assert "hooks.slack.com" not in hidden


def test_it_takes_a_token_or_a_webhook_but_not_both():
    for given in ({}, {"bot_token": "x", "webhook_url": "https://hooks.slack.com/services/x"}):
        with pytest.raises(InvalidInputError, match="bot_token` or `webhook_url`"):
            CHANNEL_TYPES["slack"].check(given)
