"""What providers send becomes the same few terms, and nothing that anybody sends is an error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowrun.triggers.providers import PROVIDERS, event_of, parts_of, provider_of

CASES = Path(__file__).parent / "cases"


def event(provider, body, headers=None):
    return event_of(provider, body, headers or {})


def test_a_whatsapp_text():
    body = json.loads((CASES / "whatsapp-message.json").read_text())
    assert provider_of({}, body, {}) == "whatsapp"
    message_id = "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA="
    document = {
        "provider": "whatsapp",
        "event_type": "message",
        "customer_id": "16505551234",
        "data": {
            "message_id": message_id,
            "message_type": "text",
            "text": "Does it come in another color?",
            "timestamp": "1749416383",
            "sender_id": "16505551234",
            "recipient_id": "106540352242922",
            "sender_name": "Sheena Nelson",
        },
    }
    assert event("whatsapp", body) == (document, message_id)


def whatsapp(**value):
    value = {"metadata": {"phone_number_id": "1"}, **value}
    return {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": value}]}]}


@pytest.mark.parametrize(
    ("message", "kind", "text"),
    [
        ({"type": "image", "image": {"id": "m", "mime_type": "image/png", "caption": "look"}}, "image", "look"),
        ({"type": "button", "button": {"text": "Yes"}}, "button", "Yes"),
        ({"type": "interactive", "interactive": {"type": "l", "l": {"title": "One"}}}, "interactive", "One"),
        ({"type": "reaction", "reaction": {"emoji": "👍"}}, "reaction", "👍"),
        ({"type": "location", "location": {"latitude": 1}}, "location", None),
        ({}, "unknown", None),
    ],
)  # fmt: skip
def test_other_whatsapp_messages(message, kind, text):
    document, key = event("whatsapp", whatsapp(messages=[{"id": "a", "from": "b", **message}]))
    assert (document["event_type"], document["data"]["message_type"], document["data"]["text"]) == (
        "message",
        kind,
        text,
    )
    assert key == "a"


def test_the_states_of_one_message_are_different_deliveries():
    keys = set()
    for status in ("sent", "delivered", "read"):
        state = {"id": "a", "status": status, "timestamp": "1", "recipient_id": "49"}
        document, key = event("whatsapp", whatsapp(statuses=[state]))
        assert (document["event_type"], document["customer_id"], document["data"]["status"]) == ("status", "49", status)
        keys.add(key)
    assert len(keys) == 3


def contact(number, name):
    return {"wa_id": number, "profile": {"name": name}}


def test_a_delivery_is_taken_apart_into_what_it_would_have_been_message_by_message():
    ann, bob = contact("1", "Ann"), contact("2", "Bob")
    first, second, state = {"id": "a", "from": "2"}, {"id": "b", "from": "1"}, {"id": "c", "status": "read"}
    body = whatsapp(contacts=[ann, bob], messages=[first, second])
    template = {"id": "template", "changes": [{"field": "t", "value": {"event": "APPROVED"}}]}
    body["entry"] = [*whatsapp(statuses=[state])["entry"], template, *body["entry"]]
    parts = parts_of("whatsapp", body)
    assert parts[0] == whatsapp(statuses=[state])
    assert parts[1]["entry"] == [template]
    assert parts[2:] == [whatsapp(contacts=[bob], messages=[first]), whatsapp(contacts=[ann], messages=[second])]
    assert [event("whatsapp", part)[1] for part in parts] == ["c:read", None, "a", "b"]
    names = [event("whatsapp", part)[0]["data"].get("sender_name") for part in parts[2:]]
    assert names == ["Bob", "Ann"]


@pytest.mark.parametrize(
    ("contacts", "senders", "names"),
    [
        # A number is not always written alike in both places.
        ([contact("5511", "Ann")], ["55119"], ["Ann"]),
        ([contact("5511", "Ann")], ["55119", "55119"], ["Ann", "Ann"]),
        ([contact("1", "Ann"), contact("2", "Bob")], ["2"], ["Bob"]),
        ([contact("1", "Ann")], ["2", "1"], [None, "Ann"]),
        ([contact("1", "Ann"), contact("7", "Bob")], ["1", "2"], ["Ann", None]),
        ([], ["1", "2"], [None, None]),
    ],
)
def test_a_message_has_the_name_of_its_own_sender_or_none(contacts, senders, names):
    messages = [{"id": str(place), "from": sender} for place, sender in enumerate(senders)]
    parts = parts_of("whatsapp", whatsapp(contacts=contacts, messages=messages))
    assert [event("whatsapp", part)[0]["data"].get("sender_name") for part in parts] == names


def test_a_state_keeps_the_contact_that_it_is_about():
    states = [{"id": "a", "recipient_id": "2"}, {"id": "b", "recipient_id": "3"}]
    parts = parts_of("whatsapp", whatsapp(contacts=[contact("1", "Ann"), contact("2", "Bob")], statuses=states))
    assert parts == [whatsapp(contacts=[contact("2", "Bob")], statuses=states[:1]), whatsapp(statuses=states[1:])]


def test_a_delivery_of_one_message_stays_as_it_came():
    bodies = [json.loads((CASES / "whatsapp-message.json").read_text()), whatsapp(statuses=[{}]), whatsapp(), "text"]
    for body in bodies:
        (part,) = parts_of("whatsapp", body)
        assert part is body
    many = [{"id": 1}, {"id": 2}]
    assert parts_of("generic", {"entry": many}) == [{"entry": many}]


def test_instagram_and_facebook_are_taken_apart_too():
    one, two = ({"sender": {"id": who}, "message": {"mid": who}} for who in "ab")
    change = {"field": "comments", "value": {"id": "7"}}
    entries = [{"id": "p", "messaging": [one, two]}, {"id": "q", "changes": [change]}]
    for provider in ("instagram", "facebook"):
        parts = parts_of(provider, {"object": "page", "entry": entries})
        assert parts == [
            {"object": "page", "entry": [{"id": "p", "messaging": [one]}]},
            {"object": "page", "entry": [{"id": "p", "messaging": [two]}]},
            {"object": "page", "entry": [{"id": "q", "changes": [change]}]},
        ]
        assert [event(provider, part)[1] for part in parts] == ["a", "b", "comments:7:-:-"]


def test_what_would_grow_beyond_all_measure_stays_in_one_piece():
    for body in (whatsapp(messages=[{}] * 1001), whatsapp(messages=[{}] * 100, errors=["x" * 100_000])):
        assert parts_of("whatsapp", body) == [body]
    assert len(parts_of("whatsapp", whatsapp(messages=[{}] * 1000))) == 1000


def test_several_messages_in_one_piece_are_all_there_and_come_before_states():
    body = whatsapp(messages=[{"id": "a", "from": "1"}, {"id": "b", "from": "2"}])
    body["entry"].insert(0, whatsapp(statuses=[{"id": "c", "status": "read", "recipient_id": "3"}])["entry"][0])
    document, key = event("whatsapp", body)
    assert (document["event_type"], document["customer_id"], document["data"]["message_id"]) == ("message", "1", "a")
    others = [(one["event_type"], one["customer_id"], one["message_id"]) for one in document["data"]["others"]]
    assert others == [("message", "2", "b"), ("status", "3", "c")]
    assert key == "c:read:a:b"
    assert event("whatsapp", whatsapp(messages=[{"id": "a"}, {}]))[1] is None


def test_instagram_and_facebook():
    message = {"sender": {"id": "c"}, "recipient": {"id": "p"}, "timestamp": 5, "message": {"mid": "m", "text": "hi"}}
    body = {"object": "instagram", "entry": [{"messaging": [message]}]}
    document, key = event("instagram", body)
    assert (document["event_type"], document["customer_id"], key) == ("message", "c", "m")
    assert document["data"]["text"] == "hi"
    assert provider_of({}, body, {}) == "instagram"
    echo = {**message, "message": {"mid": "m", "is_echo": True}}
    assert event("facebook", {"entry": [{"messaging": [echo]}]})[0]["event_type"] == "message_echo"
    postback = {"sender": {"id": "c"}, "timestamp": 5, "postback": {"title": "Go", "payload": "GO"}}
    assert event("facebook", {"entry": [{"messaging": [postback]}]})[0]["data"]["payload"] == "GO"
    change = {"field": "comments", "value": {"id": "7", "text": "nice", "from": {"id": "c"}}}
    document, key = event("instagram", {"entry": [{"changes": [change]}]})
    assert (document["event_type"], document["customer_id"], document["data"]["text"]) == ("comments", "c", "nice")
    assert key == "comments:7:-:-"


def test_slack():
    inner = {"type": "app_mention", "user": "U1", "text": "hey", "ts": "1.2", "channel": "C1"}
    document, key = event("slack", {"type": "event_callback", "event_id": "Ev1", "event": inner})
    assert (document["event_type"], document["customer_id"], key) == ("app_mention", "U1", "Ev1")
    assert event("slack", {"command": "/go", "user_id": "U1", "trigger_id": "t"})[0]["event_type"] == "command"
    interaction = {"payload": json.dumps({"type": "block_actions", "user": {"id": "U2"}, "trigger_id": "t"})}
    document, key = event("slack", interaction)
    assert (document["event_type"], document["customer_id"], key) == ("block_actions", "U2", "t")
    assert event("slack", {"payload": "{"})[0]["event_type"] == "unknown"


def test_telegram():
    message = {"message_id": 3, "from": {"id": 9}, "chat": {"id": -5}, "date": 1, "text": "hi"}
    document, key = event("telegram", {"update_id": 77, "message": message})
    assert (document["event_type"], document["customer_id"], key) == ("message", "9", "77")
    assert (document["data"]["recipient_id"], document["data"]["message_type"]) == ("-5", "text")
    callback = {"id": "1", "from": {"id": 9}, "data": "yes", "message": message}
    document, _ = event("telegram", {"update_id": 78, "callback_query": callback})
    assert (document["event_type"], document["data"]["text"]) == ("callback_query", "yes")


def test_mercado_livre():
    body = {"_id": "n1", "resource": "/orders/200", "user_id": 5, "topic": "orders_v2", "sent": "2026-01-01T00:00:00Z"}
    document, key = event("mercado_livre", body)
    assert (document["event_type"], document["customer_id"], key) == ("orders_v2", "5", "n1")
    assert document["data"]["resource_id"] == "200"
    body = {"id": 12, "type": "payment", "action": "payment.created", "data": {"id": "99"}}
    document, key = event("mercado_livre", body)
    assert (document["event_type"], document["data"]["resource_id"], key) == ("payment", "99", "12")


def test_github_and_stripe():
    headers = {"x-github-event": "push", "x-github-delivery": "d"}
    body = {"ref": "main", "sender": {"login": "octocat"}, "repository": {"full_name": "a/b"}}
    assert provider_of({}, body, headers) == "github"
    document, key = event("github", body, headers)
    assert (document["event_type"], document["customer_id"], document["data"]["repository"], key) == (
        "push", "octocat", "a/b", "d",
    )  # fmt: skip
    body = {"id": "evt_1", "type": "charge.failed", "data": {"object": {"id": "ch", "customer": "cus", "amount": 5}}}
    document, key = event("stripe", body)
    assert (document["event_type"], document["customer_id"], document["data"]["amount"], key) == (
        "charge.failed", "cus", 5, "evt_1",
    )  # fmt: skip


def test_anything_else_is_generic_and_kept_once():
    assert provider_of({}, {"type": "order"}, {}) == "generic"
    document = {"provider": "generic", "event_type": "order", "customer_id": None, "data": {}}
    assert event("generic", {"type": "order"}) == (document, None)
    assert event("generic", "text")[0]["event_type"] == "unknown"


def test_what_the_webhook_says_goes_first():
    body = {"object": "page"}
    assert provider_of({"provider": "stripe", "auth": {"type": "github"}}, body, {}) == "stripe"
    assert provider_of({"auth": {"type": "github"}}, body, {}) == "github"
    assert provider_of({"auth": {"type": "meta"}}, body, {}) == "facebook"
    assert provider_of({"auth": {"type": "bearer"}}, {}, {"stripe-signature": "x"}) == "stripe"


WORDS = st.sampled_from(
    ["object", "entry", "changes", "value", "messages", "statuses", "messaging", "message", "from", "id", "type",
     "text", "event", "payload", "command", "update_id", "data", "sender", "customer", "user", "image", "interactive",
     "field", "attachments", "resource", "contacts", "postback"]
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | WORDS
BODIES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5), max_leaves=25
)


@pytest.mark.parametrize("provider", PROVIDERS)
@settings(max_examples=150, deadline=None)
@given(body=BODIES)
def test_no_shape_is_an_error(provider, body):
    document, key = event(provider, body)
    assert document["provider"] == provider
    assert isinstance(document["event_type"], str)
    assert document["event_type"]
    assert isinstance(document["data"], dict)
    assert document["customer_id"] is None or isinstance(document["customer_id"], str)
    assert key is None or isinstance(key, str)
    assert parts_of(provider, body)
    provider_of({}, body, {})
