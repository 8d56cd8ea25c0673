"""What every channel type keeps to, against a stand-in that checks what its provider documents."""

from __future__ import annotations

import dataclasses
import json

import pytest
from support.channel_bench import LOOPBACK, SUBJECTS, Hasty, Rows, SmtpProvider, channel, send

from flowrun.channels import CHANNEL_TYPES, notify
from flowrun.domain.node_type import Completed, Failed
from flowrun.errors import InvalidInputError
from flowrun.nodes.http_client import HttpClient
from flowrun.triggers.providers import PROVIDERS
from flowrun.triggers.verification import SCHEMES


@pytest.fixture(params=SUBJECTS.values(), ids=lambda subject: subject.name)
def subject(request):
    return request.param


@pytest.fixture
def kind(subject):
    return CHANNEL_TYPES[subject.name]


@pytest.fixture
async def http():
    client = HttpClient(LOOPBACK)
    yield client
    await client.aclose()


def shown(outcome):
    """The outcome as it is stored, in all its parts."""
    return json.dumps(dataclasses.asdict(outcome))


def test_it_says_what_it_is(kind):
    assert kind.summary.endswith(".")
    assert "Where to get it" in kind.help
    for name, described in kind.Credentials.model_json_schema(by_alias=False)["properties"].items():
        assert described.get("description"), name
    assert kind.provider is None or kind.provider in PROVIDERS


def test_the_example_is_valid_and_what_proves_a_sender_is_a_known_scheme(kind):
    checked = kind.check(dict(kind.example))
    json.dumps(checked)
    assert kind.check(dict(kind.example)) == checked
    assert kind.secrets_of(checked)
    auth = kind.inbound_auth(checked)
    assert auth is None or (auth.scheme in SCHEMES and all(auth.secrets))


def test_all_bad_credentials_are_told_at_once_and_none_is_shown(kind):
    odd = {name: [["hush-hush"]] for name in kind.Credentials.names().values()}
    with pytest.raises(InvalidInputError) as raised:
        kind.check({**odd, "nonsense": "hush-hush"})
    assert {issue.path.partition("[")[0] for issue in raised.value.issues} >= odd.keys() | {"nonsense"}
    assert "hush" not in str(raised.value)
    with pytest.raises(InvalidInputError) as raised:
        kind.check({})
    required = [name for name, field in kind.Credentials.model_fields.items() if field.is_required()]
    assert {issue.path for issue in raised.value.issues} >= {name.rstrip("_") for name in required}


async def test_a_message_goes_out(subject, http):
    with channel(subject) as (provider, rows):
        outcome = await send(rows, http, subject.name, subject.to, subject.message)
    assert isinstance(outcome, Completed), outcome
    assert outcome.output.keys() == {"message_id", "response"}
    assert len(provider.smtp.letters if isinstance(provider, SmtpProvider) else provider.sent) == 1


async def test_a_passing_failure_is_tried_again(subject, http):
    with channel(subject) as (provider, rows):
        provider.plan("transient")
        outcome = await send(rows, http, subject.name, subject.to, subject.message)
    assert isinstance(outcome, Failed)
    assert outcome.retryable
    assert outcome.details


async def test_a_permanent_failure_is_final(subject, http):
    with channel(subject) as (provider, rows):
        provider.plan("permanent")
        outcome = await send(rows, http, subject.name, subject.to, subject.message)
    assert isinstance(outcome, Failed)
    assert (outcome.type, outcome.retryable) == (subject.permanent, False)
    assert outcome.details
    assert bool(rows.disabled) is (subject.permanent in CHANNEL_TYPES[subject.name].disabling)


async def test_an_answer_that_does_not_come_is_tried_again(subject, monkeypatch):
    monkeypatch.setattr(notify, "CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(notify, "READ_SECONDS", 0.2)
    hasty = Hasty(LOOPBACK)
    with channel(subject) as (provider, rows):
        if isinstance(provider, SmtpProvider):
            provider.hold()
        else:
            provider.server.hold(subject.path)
        outcome = await send(rows, hasty, subject.name, subject.to, subject.message)
    await hasty.aclose()
    assert isinstance(outcome, Failed)
    assert (outcome.type in {"http_timeout", "connection_error"}, outcome.retryable) == (True, True)


async def test_a_connection_that_fails_is_tried_again(subject, http):
    with channel(subject) as (_, rows):
        pass
    outcome = await send(rows, http, subject.name, subject.to, subject.message)
    assert isinstance(outcome, Failed)
    assert (outcome.type, outcome.retryable) == ("connection_error", True)


async def test_private_addresses_are_refused(subject):
    strict = HttpClient()
    with channel(subject) as (provider, rows):
        outcome = await send(rows, strict, subject.name, subject.to, subject.message)
        assert provider.calls == []
    await strict.aclose()
    assert isinstance(outcome, Failed)
    assert (outcome.type, outcome.retryable) == ("address_refused", False)
    assert "FLOWRUN_HTTP_ALLOW=127.0.0.1" in outcome.message


async def test_no_credential_is_in_an_outcome(subject, kind, http):
    with channel(subject) as (provider, rows):
        provider.plan("echo")
        outcome = await send(rows, http, subject.name, subject.to, subject.message)
        credentials = kind.check(subject.credentials(provider))
    assert isinstance(outcome, Failed)
    text = shown(outcome)
    assert "***" in text
    for secret in kind.secrets_of(credentials):
        assert secret not in text


async def test_nothing_to_say_is_final_before_anyone_is_asked(subject, http):
    with channel(subject) as (provider, rows):
        for nothing in (None, ""):
            outcome = await send(rows, http, subject.name, subject.to, nothing)
            assert isinstance(outcome, Failed)
            assert (outcome.type, outcome.retryable) == ("invalid_message", False)
        if subject.to is not None:
            outcome = await send(rows, http, subject.name, None, subject.message)
            assert outcome.type == "invalid_message"
            assert "`to` is missing" in outcome.message
        assert provider.calls == []


async def test_a_disabled_channel_and_one_that_no_longer_fits_send_nothing(subject, http):
    with channel(subject) as (provider, rows):
        rows.add(subject.name, subject.credentials(provider), "disabled", "moved away")
        outcome = await send(rows, http, subject.name, subject.to, subject.message)
        assert (outcome.type, outcome.message) == (
            "channel_disabled",
            f"The channel {subject.name} is disabled: moved away",
        )
        rows.add(subject.name, {"nonsense": 1})
        outcome = await send(rows, http, subject.name, subject.to, subject.message)
        assert (outcome.type, outcome.retryable) == ("invalid_credentials", False)
        assert provider.calls == []


async def test_an_unknown_channel_is_final(http):
    outcome = await send(Rows(), http, "nowhere", "x", "y")
    assert (outcome.type, outcome.retryable) == ("unknown_channel", False)
