"""WhatsApp, Instagram and Messenger."""

from __future__ import annotations

import pytest

from flowrun.channels import CHANNEL_TYPES


@pytest.mark.parametrize(
    ("message", "body"),
    [
        ("olá", {"type": "text", "text": {"body": "olá"}}),
        (12.5, {"type": "text", "text": {"body": "12.5"}}),
        (
            {"template": {"name": "order_sent", "language": {"code": "pt_BR"}}},
            {"type": "template", "template": {"name": "order_sent", "language": {"code": "pt_BR"}}},
        ),
        (
            {"interactive": {"type": "button"}, "context": {"message_id": "wamid.9"}},
            {"type": "interactive", "interactive": {"type": "button"}, "context": {"message_id": "wamid.9"}},
        ),
        ({"type": "image", "image": {"link": "https://x"}}, {"type": "image", "image": {"link": "https://x"}}),
    ],
)
async def test_whatsapp_takes_texts_and_its_own_objects(through, message, body):
    outcome, provider = await through("whatsapp", message)
    fixed = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": "5511999998888"}
    assert provider.sent == [fixed | body]
    assert outcome.output["message_id"] == "wamid.1"
    assert outcome.output["response"]["contacts"] == [{"input": "5511999998888", "wa_id": "5511999998888"}]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("x" * 4097, "4,097 characters; this channel takes 4,096"),
        ({"preview_url": True}, "must have one of text, template"),
        ({"text": {"body": "a"}, "image": {"link": "b"}}, "must have one of text, template"),
        (["a"], "must be a text, or an object"),
    ],
)
async def test_whatsapp_refuses_what_it_cannot_send(through, message, said):
    outcome, provider = await through("whatsapp", message)
    assert (outcome.type, outcome.retryable, provider.calls) == ("invalid_message", False, [])
    assert said in outcome.message


@pytest.mark.parametrize(
    ("name", "plan", "kind", "retryable"),
    [
        ("whatsapp", "transient", "provider_unavailable", True),
        ("whatsapp", "rate", "rate_limited", True),
        ("whatsapp", "flagged", "provider_unavailable", True),
        ("whatsapp", "permanent", "window_closed", False),
        ("whatsapp", "expired", "channel_unauthorized", False),
        ("whatsapp", "template", "message_rejected", False),
        ("instagram", "transient", "provider_unavailable", True),
        ("instagram", "permanent", "window_closed", False),
        ("instagram", "nobody", "invalid_recipient", False),
        ("instagram", "unavailable", "recipient_unavailable", False),
        ("messenger", "permission", "channel_unauthorized", False),
        ("messenger", "rate", "rate_limited", True),
    ],
)
async def test_errors_of_meta_have_stable_types(through, name, plan, kind, retryable):
    outcome, _ = await through(name, plan=[plan])
    assert (outcome.type, outcome.retryable) == (kind, retryable)
    assert outcome.details["code"]
    assert outcome.details["trace_id"] == "A4uHYOpCEYKEwAbNQGCDWO6"


async def test_whatsapp_explains_in_metas_words(through):
    outcome, _ = await through("whatsapp", plan=["permanent"])
    assert outcome.message == "WhatsApp refused the message (131047): More than 24 hours have passed"
    assert outcome.details["status"] == 400


@pytest.mark.parametrize(
    ("name", "message", "body"),
    [
        ("instagram", "olá", {"message": {"text": "olá"}}),
        ("instagram", {"attachment": {"type": "image"}}, {"message": {"attachment": {"type": "image"}}}),
        ("instagram", {"sender_action": "typing_on"}, {"sender_action": "typing_on"}),
        ("messenger", "olá", {"messaging_type": "RESPONSE", "message": {"text": "olá"}}),
    ],
)
async def test_the_send_api_takes_messages_and_whole_requests(through, name, message, body):
    outcome, provider = await through(name, message, to="42")
    assert provider.sent == [{"recipient": {"id": "42"}, **body}]
    assert outcome.output["message_id"] == ("m_1" if "message" in body else None)


def test_what_comes_in_is_proven_by_the_apps_secret():
    kind = CHANNEL_TYPES["whatsapp"]
    given = {"phone_number_id": 1, "access_token": "t", "app_secret": "s", "verify_token": "v"}
    auth = kind.inbound_auth(kind.check(given))
    assert (auth.scheme, auth.secrets, auth.verify_tokens) == ("meta", (b"s",), (b"v",))
    del given["app_secret"]
    assert kind.inbound_auth(kind.check(given)) is None
