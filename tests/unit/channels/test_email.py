"""E-mail to a real SMTP server on loopback."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
from support.certificate import self_signed, server_context
from support.channel_bench import LOOPBACK, SUBJECTS, Rows, SmtpProvider, channel, send
from support.smtp_server import PASSWORD, USER

from flowrun.channels import CHANNEL_TYPES
from flowrun.errors import InvalidInputError
from flowrun.nodes.http_client import HttpClient


async def test_a_letter_arrives_as_it_was_written(through):
    letter = {"subject": "Pedido é seu", "html": "<p>Está a <b>caminho</b></p>", "reply_to": "ajuda@example.com"}
    outcome, provider = await through("email", {**letter, "cc": ["cc@example.com"], "bcc": ["bcc@example.com"]})
    (arrived,) = provider.smtp.letters
    assert (arrived.sender, arrived.message["From"]) == ("no-reply@example.com", "Shop <no-reply@example.com>")
    assert sorted(arrived.recipients) == ["ana@example.com", "bcc@example.com", "cc@example.com"]
    assert arrived.message["Subject"] == "Pedido é seu"
    assert arrived.message["Reply-To"] == "ajuda@example.com"
    assert "bcc@example.com" not in arrived.message.as_string()
    assert arrived.message["X-Flowrun-Delivery"] == outcome.output["message_id"]
    assert "<b>caminho</b>" in arrived.message.get_body(("html",)).get_content()
    assert "caminho" in arrived.message.get_body(("plain",)).get_content()
    assert provider.smtp.logins == [(USER, PASSWORD)]


async def test_each_recipient_gets_a_letter(through):
    outcome, provider = await through("email", "olá", to="a@example.com, Bia <b@example.com>")
    assert [letter.recipients for letter in provider.smtp.letters] == [["a@example.com"], ["b@example.com"]]
    assert provider.smtp.letters[0].message["Subject"] == "Message"
    assert provider.smtp.letters[0].message.get_content().strip() == "olá"
    assert outcome.output["response"] == {"to": ["a@example.com", "Bia <b@example.com>"]}


@pytest.mark.parametrize(
    ("written", "address", "name"),
    [
        ("o'brien@example.com", "o'brien@example.com", ""),
        ("Pat O'Brien <pat@example.com>", "pat@example.com", "Pat O'Brien"),
        ('Bob "x@evil.example" <bob@example.com>', "bob@example.com", 'Bob "x@evil.example'),
        ("ana@münchen.example", "ana@xn--mnchen-3ya.example", ""),
        ("a+b_c=d@example.com", "a+b_c=d@example.com", ""),
    ],
)
async def test_a_letter_goes_to_whom_it_is_addressed_and_nobody_else(through, written, address, name):
    copies = {"cc": ["d'arc@example.com"], "bcc": ["e'f@example.com"], "reply_to": "g'h@example.com"}
    _, provider = await through("email", {"text": "olá", **copies}, to=written)
    (letter,) = provider.smtp.letters
    assert sorted(letter.recipients) == sorted([address, "d'arc@example.com", "e'f@example.com"])
    (to,) = letter.message["To"].addresses
    assert (to.addr_spec, to.display_name) == (address, name)
    assert (letter.message["Cc"], letter.message["Reply-To"]) == ("d'arc@example.com", "g'h@example.com")


async def test_a_copy_is_sent_once_however_many_the_letter_is_for(through):
    _, provider = await through("email", {"text": "olá", "cc": ["c@example.com"]}, to="a@example.com, b@example.com")
    assert [sorted(one.recipients) for one in provider.smtp.letters] == [
        ["a@example.com", "c@example.com"],
        ["b@example.com"],
    ]


async def test_without_a_user_nobody_logs_in(http):
    with channel(SUBJECTS["email"]) as (provider, rows):
        provider.smtp.auth = False
        rows.add("email", SUBJECTS["email"].credentials(provider) | {"user": None, "password": None})
        outcome = await send(rows, http, "email", "ana@example.com", "olá")
        assert outcome.output
        assert provider.smtp.logins == []


@pytest.mark.parametrize(
    ("replies", "kind", "retryable"),
    [
        ({"AUTH": "535 5.7.8 Username and password not accepted"}, "channel_unauthorized", False),
        ({"AUTH": "454 4.7.0 Temporary authentication failure"}, "provider_unavailable", True),
        ({"MAIL": "550 5.7.1 Sender refused"}, "message_rejected", False),
        ({"RCPT": "550 5.1.1 No such user"}, "invalid_recipient", False),
        ({"RCPT": "452 4.2.2 Mailbox full"}, "provider_unavailable", True),
        ({".": "554 5.7.1 Message looks like spam"}, "message_rejected", False),
        ({".": "421 4.3.2 Closing"}, "provider_unavailable", True),
    ],
)
async def test_the_servers_reply_tells_what_kind_of_failure_it_is(http, replies, kind, retryable):
    with channel(SUBJECTS["email"]) as (provider, rows):
        provider.smtp.replies |= replies
        outcome = await send(rows, http, "email", "ana@example.com", "olá")
        assert provider.smtp.letters == []
    code, _, text = next(iter(replies.values())).partition(" ")
    assert (outcome.type, outcome.retryable, outcome.details["code"]) == (kind, retryable, int(code))
    assert text in outcome.message


async def test_a_server_without_tls_gets_no_password(http):
    with channel(SUBJECTS["email"]) as (provider, rows):
        rows.add("email", SUBJECTS["email"].credentials(provider) | {"security": "starttls"})
        outcome = await send(rows, http, "email", "ana@example.com", "olá")
        assert provider.smtp.logins == []
    assert (outcome.type, outcome.retryable) == ("invalid_credentials", False)


@pytest.mark.parametrize("security", ["starttls", "ssl"])
@pytest.mark.parametrize("trusted", [True, False])
async def test_the_connection_is_encrypted_and_the_certificate_judged(http, tmp_path, monkeypatch, security, trusted):
    _, file = self_signed(tmp_path)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    subject = replace(
        SUBJECTS["email"], provider=lambda: SmtpProvider(tls=server_context(file), implicit=security == "ssl")
    )
    with channel(subject) as (provider, rows):
        rows.add("email", subject.credentials(provider) | {"security": security})
        outcome = await send(rows, http, "email", "ana@example.com", "olá")
    if trusted:
        assert len(provider.smtp.letters) == 1
        assert provider.smtp.logins == [(USER, PASSWORD)]
    else:
        assert (outcome.type, outcome.retryable, provider.smtp.logins) == ("invalid_credentials", False, [])
        assert "self-signed certificate" in outcome.message


async def test_a_letter_that_some_got_already_is_not_sent_again(http):
    with channel(SUBJECTS["email"]) as (provider, rows):
        provider.smtp.refused = {"cc@example.com": "450 4.2.1 Mailbox busy"}
        letter = {"text": "olá", "cc": ["cc@example.com"]}
        outcome = await send(rows, http, "email", "ana@example.com", letter)
        assert [letter.recipients for letter in provider.smtp.letters] == [["ana@example.com"]]
    assert (outcome.type, outcome.retryable, outcome.details["code"]) == ("invalid_recipient", False, 450)
    assert "not for everybody" in outcome.message


@pytest.mark.parametrize(("given", "missing"), [("user", "password"), ("password", "user")])
def test_a_login_needs_both_user_and_password(given, missing):
    with pytest.raises(InvalidInputError) as raised:
        CHANNEL_TYPES["email"].check({"host": "x", "from": "a@example.com", given: "x"})
    assert [issue.path for issue in raised.value.issues] == [missing]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"subject": "x"}, "either `text` or `html`"),
        ({"text": "x", "html": "y"}, "either `text` or `html`"),
        ({"text": "x", "subject": "a\r\nBcc: b@example.com"}, "line break"),
        ({"text": "x", "cc": ["nobody"]}, "must be an address"),
        ({"text": "x", "attachments": []}, "attachments"),
    ],
)
async def test_what_is_no_letter_is_refused(through, message, said):
    outcome, provider = await through("email", message)
    assert (outcome.type, provider.calls) == ("invalid_message", [])
    assert said in outcome.message


@pytest.mark.parametrize("to", ["nobody", "a@b@c", "josé@example.com", "a..b@x.y", "u:p@x.y", "a@example.com\x07", ","])
async def test_what_is_no_address_is_refused(http, to):
    rows = Rows()
    rows.add("email", {"host": "127.0.0.1", "from": "a@example.com"})
    if "\x07" in to:
        with pytest.raises(Exception, match="control character"):
            await send(rows, http, "email", to, "olá")
        return
    outcome = await send(rows, http, "email", to, "olá")
    assert outcome.type == "invalid_message"


@pytest.mark.parametrize("name", ["email", "apprise"])
async def test_without_the_library_the_failure_says_how_to_install_it(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    http = HttpClient(LOOPBACK)
    with channel(SUBJECTS[name]) as (_, rows):
        outcome = await send(rows, http, name, SUBJECTS[name].to, "olá")
    await http.aclose()
    assert (outcome.type, outcome.retryable) == ("notify_not_installed", False)
    assert "pip install 'flowrun[notify]'" in outcome.message
