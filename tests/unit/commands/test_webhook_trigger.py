"""Which idempotency key counts, and what of a request is kept."""

from __future__ import annotations

import pytest

from flowrun.commands.webhook_trigger import idempotency_key
from flowrun.triggers.headers import REDACTED, kept_headers

SENT = {"idempotency-key": "sent"}


def key(auth="none", *, headers=None, provider=None, expression=None):
    auth = auth if auth == "none" else {"type": auth}
    config = {"auth": auth, "idempotency_key": expression}
    return idempotency_key(config, {"body": {"id": 7}}, headers or {}, provider, 0)


def test_the_senders_key_then_the_expression_then_the_providers():
    assert key(headers=SENT, provider="p", expression="trigger.body.id") == "sent"
    assert key(provider="p", expression="trigger.body.id") == "7"
    assert key(provider="p", expression="trigger.body.nothing") == "p"
    assert key(provider="p") == "p"
    assert key() is None
    assert key(headers={"webhook-id": "w"}) == "w"


@pytest.mark.parametrize("scheme", ["stripe", "slack", "meta"])
def test_where_the_providers_id_is_signed_a_header_that_is_not_does_not_count(scheme):
    assert key(scheme, headers=SENT, provider="p") == "p"
    assert key(scheme, headers=SENT, provider="p", expression="trigger.body.id") == "7"
    assert key(scheme, headers=SENT) == "sent"


def test_of_standard_webhooks_only_the_signed_id_counts():
    assert key("standard_webhooks", headers={**SENT, "webhook-id": "w"}) == "w"
    assert key("standard_webhooks", headers=SENT) is None


def test_a_long_key_is_kept_as_its_hash():
    found = key(headers={"idempotency-key": "x" * 256})
    assert found.startswith("sha256:")
    assert key(headers={"idempotency-key": "x" * 255}) == "x" * 255


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("trigger.body.id", "7"),
        ("trigger.headers.day + trigger.body.id", "x7"),
        ("trigger.headers.day", "x:p"),
        ("trigger.headers.nothing", "p"),
    ],
)
def test_of_a_delivery_taken_apart_no_part_has_the_key_of_another(expression, found):
    trigger = {"body": {"id": "7"}, "event": {}, "headers": {"day": "x"}}
    config = {"idempotency_key": expression}
    assert idempotency_key(config, trigger, {}, "p", 0, part=1) == found
    assert idempotency_key(config, trigger, SENT, "p", 0, part=1) == "sent:p"
    assert idempotency_key(config, trigger, SENT, None, 0, part=1) == "sent:1"


def test_secret_headers_are_redacted():
    headers = {"authorization": "a", "x-shop": "b", "x-plain": "c"}
    assert kept_headers(headers, frozenset()) == {"authorization": REDACTED, "x-shop": "b", "x-plain": "c"}
    assert kept_headers(headers, frozenset({"x-shop", "x-gone"}))["x-shop"] == REDACTED
