"""Callbacks by Standard Webhooks."""

from __future__ import annotations

import pytest
from support.channel_bench import LOOPBACK, SUBJECTS, channel, send
from support.channel_stand_ins import SIGNING

from flowrun.channels import CHANNEL_TYPES
from flowrun.channels.callback import SCHEDULE
from flowrun.errors import InvalidInputError
from flowrun.nodes.http_client import HttpClient
from flowrun.triggers.verification.standard_webhooks import sign

OTHER = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
NAME = "callback"


def test_the_signature_is_the_one_of_the_specification():
    # From the Standard Webhooks test vectors.
    at, body = "1614265330", b'{"test": 2432232314}'
    signature = sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, body, [SIGNING.encode()])
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_the_id_stays_over_attempts_and_the_signatures_are_by_every_secret(http):
    with channel(SUBJECTS[NAME]) as (provider, rows):
        rows.add(NAME, {"url": f"{provider.url}/hook", "secrets": [OTHER, SIGNING]})
        outcomes = [await send(rows, http, NAME, None, {"a": 1}, attempt) for attempt in (1, 2)]
        assert len(set(provider.ids)) == 1
        assert outcomes[0].output == {"message_id": provider.ids[0], "response": {"status": 204}}
        assert "." not in provider.ids[0]
        assert len(provider.calls[0].headers["webhook-signature"].split(" ")) == 2


@pytest.mark.parametrize(("message", "body"), [("olá", {"text": "olá"}), ({"a": [1]}, {"a": [1]}), ([1], [1])])
async def test_the_message_is_the_body(through, message, body):
    _, provider = await through(NAME, message)
    assert provider.sent == [body]
    assert provider.calls[0].headers["x-key"] == "key-0123456789"


@pytest.mark.parametrize(
    ("plan", "kind", "wait"),
    [
        ("transient", "callback_status", None),
        ("rate", "rate_limited", 600.0),
        ("missing", "callback_status", None),
        ("moved", "callback_status", None),
    ],
)
async def test_whatever_is_no_success_is_tried_again_on_schedule(through, plan, kind, wait):
    outcome, provider = await through(NAME, plan=[plan])
    assert (outcome.type, outcome.retryable, outcome.retry_after, outcome.schedule) == (kind, True, wait, SCHEDULE)
    assert len(provider.calls) == 1


async def test_no_connection_is_tried_again_on_schedule_too(http):
    with channel(SUBJECTS[NAME]) as (_, rows):
        pass
    outcome = await send(rows, http, NAME, None, {"a": 1})
    assert (outcome.type, outcome.schedule) == ("connection_error", SCHEDULE)


async def test_gone_disables_the_channel():
    http = HttpClient(LOOPBACK)
    with channel(SUBJECTS[NAME]) as (provider, rows):
        provider.plan("permanent")
        outcome = await send(rows, http, NAME, None, {"a": 1})
    await http.aclose()
    assert (outcome.type, outcome.retryable) == ("endpoint_gone", False)
    assert rows.disabled == [("acme", NAME, outcome.message)]


@pytest.mark.parametrize("secret", ["whsec_", "whsec_short", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "A" * 100])
def test_a_secret_has_the_form_of_the_specification(secret):
    with pytest.raises(InvalidInputError, match="24 to 64 bytes"):
        CHANNEL_TYPES[NAME].check({"url": "https://example.com", "secrets": [secret]})


def test_headers_of_the_scheme_are_not_for_others():
    given = {"url": "https://example.com", "secrets": [SIGNING], "headers": {"Webhook-Id": "mine"}}
    with pytest.raises(InvalidInputError, match="it is set for every callback"):
        CHANNEL_TYPES[NAME].check(given)
