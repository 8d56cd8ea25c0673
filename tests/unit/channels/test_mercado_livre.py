"""Answers on Mercado Livre."""

from __future__ import annotations

import asyncio

import pytest
from support.channel_bench import SUBJECTS, channel, send

from flowrun.channels import CHANNEL_TYPES
from flowrun.channels.sender import TenantChannels
from flowrun.domain.node_type import Completed
from flowrun.errors import InvalidInputError
from flowrun.nodes.job import NodeJob

SUBJECT = SUBJECTS["mercado_livre"]


@pytest.mark.parametrize("to", ["11751825075", "/questions/11751825075"])
async def test_a_question_is_answered(through, to):
    outcome, provider = await through("mercado_livre", "Sim!", to=to)
    assert provider.sent == [{"question_id": 11751825075, "text": "Sim!"}]
    assert outcome.output["message_id"] == "11751825075"
    assert outcome.output["response"]["answer"]["text"] == "Sim!"


@pytest.mark.parametrize("to", ["/orders/1", "abc", "1" * 21, "\uff11\uff12"])
async def test_only_a_questions_id_will_do(through, to):
    outcome, provider = await through("mercado_livre", to=to)
    assert (outcome.type, provider.calls) == ("invalid_message", [])


async def test_the_text_has_a_limit(through):
    outcome, _ = await through("mercado_livre", "x" * 2001)
    assert "2,001 characters; this channel takes 2,000" in outcome.message


@pytest.mark.parametrize(
    ("plan", "kind", "retryable"),
    [
        ("transient", "provider_unavailable", True),
        ("rate", "rate_limited", True),
        ("permanent", "already_answered", False),
        ("expired", "channel_unauthorized", False),
        ("missing", "invalid_recipient", False),
    ],
)
async def test_its_errors_have_stable_types(through, plan, kind, retryable):
    outcome, _ = await through("mercado_livre", plan=[plan])
    assert (outcome.type, outcome.retryable) == (kind, retryable)
    assert outcome.details["error"]


@pytest.mark.parametrize(("answered", "done"), [("Sim!", True), ("Não!", False)])
async def test_an_answer_whose_success_was_lost_is_recognised(http, answered, done):
    with channel(SUBJECT) as (provider, rows):
        provider.answered = answered
        provider.plan("permanent")
        outcome = await send(rows, http, "mercado_livre", SUBJECT.to, "Sim!", attempt=2)
        assert [call.method for call in provider.calls] == ["POST", "GET"]
    assert isinstance(outcome, Completed) is done
    assert done or outcome.type == "already_answered"


RENEWABLE = {"client_id": 99, "client_secret": "client-secret-1", "refresh_token": "TG-first-refresh-token"}


async def test_a_token_that_expired_is_renewed_once_for_all_messages(http):
    with channel(SUBJECT) as (provider, rows):
        rows.add("mercado_livre", SUBJECT.credentials(provider) | RENEWABLE)
        provider.token = "APP_USR-something-newer"
        sender = TenantChannels(rows, http, rows.disable, rows.renew)
        params = {"channel": "mercado_livre", "to": SUBJECT.to, "message": "Sim!"}
        jobs = [NodeJob(params, None, f"e{n}", "acme", "w", "n", "", 1, f"e{n}:n:0") for n in range(5)]
        outcomes = await asyncio.gather(*map(sender.send, jobs))
        assert all(isinstance(outcome, Completed) for outcome in outcomes), outcomes
        assert provider.renewals == 1
        stored = rows.channels["mercado_livre"].credentials
        assert (stored["access_token"], stored["refresh_token"]) == (provider.token, provider.refresh)
        assert stored["base_url"] == provider.url


async def test_a_refresh_token_that_is_used_up_is_told(http):
    with channel(SUBJECT) as (provider, rows):
        rows.add("mercado_livre", SUBJECT.credentials(provider) | RENEWABLE)
        provider.token = provider.refresh = "somebody else's"
        outcome = await send(rows, http, "mercado_livre", SUBJECT.to, "Sim!")
    assert (outcome.type, outcome.retryable) == ("channel_unauthorized", False)
    assert "gives no new token (invalid_grant)" in outcome.message


def test_what_renews_a_token_belongs_together():
    with pytest.raises(InvalidInputError) as raised:
        CHANNEL_TYPES["mercado_livre"].check({"access_token": "x", "refresh_token": "y"})
    assert [issue.path for issue in raised.value.issues] == ["client_id", "client_secret"]
