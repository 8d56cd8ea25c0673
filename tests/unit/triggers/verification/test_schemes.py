"""Every scheme: right signatures pass, any flipped byte fails, and nothing but a refusal ever comes out."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.signatures import SCHEMES, signed

from flowrun.triggers.verification import SCHEMES as VERIFY
from flowrun.triggers.verification import SignedRequest, WebhookRefusedError

NOW = 1_700_000_000
BODY = '{"id": 7, "name": "Zoë", "pad": "'.encode() + b"x" * 40 + b'"}'
TIMED = [name for name, scheme in SCHEMES.items() if scheme.signs_time]
EVERY = list(SCHEMES)


def request_of(headers, body=BODY, now=NOW, query=None):
    return SignedRequest(body, headers, query or {}, now)


def judge(name, headers, *, body=BODY, now=NOW, secrets=None, query=None):
    scheme = SCHEMES[name]
    known = [scheme.secret.encode()] if secrets is None else secrets
    VERIFY[name](request_of(headers, body, now, scheme.query if query is None else query), known, scheme.params)


def refused(name, headers, **more):
    with pytest.raises(WebhookRefusedError) as raised:
        judge(name, headers, **more)
    return str(raised.value)


@pytest.mark.parametrize("name", EVERY)
def test_the_right_signature_passes(name):
    judge(name, signed(name, BODY, at=NOW))


@pytest.mark.parametrize("name", EVERY)
def test_during_a_rotation_both_secrets_pass_and_no_third(name):
    scheme = SCHEMES[name]
    both = [scheme.other.encode(), scheme.secret.encode()]
    judge(name, signed(name, BODY, at=NOW), secrets=both)
    judge(name, signed(name, BODY, scheme.other, NOW), secrets=both)
    refused(name, signed(name, BODY, scheme.other, NOW), secrets=both[1:])


@pytest.mark.parametrize("name", EVERY)
def test_a_missing_header_is_refused(name):
    headers = signed(name, BODY, at=NOW)
    for gone in headers:
        refused(name, {key: value for key, value in headers.items() if key != gone})
        refused(name, {**headers, gone: ""})


@pytest.mark.parametrize("name", [name for name in EVERY if SCHEMES[name].signs_body])
def test_every_flipped_byte_of_the_body_fails(name):
    headers = signed(name, BODY, at=NOW)
    for place in range(len(BODY)):
        changed = bytearray(BODY)
        changed[place] ^= 1 << place % 8
        refused(name, headers, body=bytes(changed))
    refused(name, headers, body=BODY + b" ")
    refused(name, headers, body=BODY[:-1])


@pytest.mark.parametrize("name", EVERY)
def test_every_flipped_bit_of_the_headers_fails(name):
    """But for those that don't matter: the case of a scheme's name, and what only looks different."""
    headers = signed(name, BODY, at=NOW)
    for key, value in headers.items():
        for place in range(len(value)):
            for bit in range(8):
                changed = chr(ord(value[place]) ^ 1 << bit)
                other = value[:place] + changed + value[place + 1 :]
                is_scheme = key == "authorization" and place < value.index(" ")
                if is_scheme and other.lower() == value.lower():
                    continue
                refused(name, {**headers, key: other})


@pytest.mark.parametrize("name", TIMED)
def test_a_time_beyond_the_tolerance_is_refused_before_and_after(name):
    headers = signed(name, BODY, at=NOW)
    for off in (-300, 300):
        judge(name, headers, now=NOW + off)
    for off in (-301, 301, 10**9):
        assert "timestamp" in refused(name, headers, now=NOW + off)


@pytest.mark.parametrize("name", TIMED)
def test_the_tolerance_is_configurable(name):
    scheme = SCHEMES[name]
    request = request_of(signed(name, BODY, at=NOW), now=NOW + 20, query=scheme.query)
    VERIFY[name](request, [scheme.secret.encode()], {**scheme.params, "tolerance": 20.0})
    with pytest.raises(WebhookRefusedError):
        VERIFY[name](request, [scheme.secret.encode()], {**scheme.params, "tolerance": 19.0})


HOSTILE = [
    "\x00", "a\x00b", "é", "ÿ" * 50, "☃", "\ud800", "x" * 5000, ",", "=", "t=,v1=", "v1,", "v1,=", "Bearer", "Bearer ",
    "Basic !!!", "Basic é", "Basic ====", "sha256=", "sha256=" + "g" * 64, "t=1e5,v1=x", "t=-1,v1=x",
    "t=" + "9" * 400 + ",v1=x", "t=٣,v1=x", "t=1,t=2,v1=x", ",".join(["v1=x"] * 100), "v1,x " * 100, "ts=,v1=x",
    "ts=1700000000", "v0=" + "0" * 64, "\r\n", " ", "inf", "nan", "0x10", "1_700_000_000", " 1700000000", "1700000000 ",
]  # fmt: skip


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_headers_are_refused(name, value):
    headers = signed(name, BODY, at=NOW)
    for key in headers:
        refused(name, {**headers, key: value})
    refused(name, dict.fromkeys(headers, value))


TEXTS = st.text(max_size=60) | st.text(st.characters(max_codepoint=255), max_size=60) | st.sampled_from(HOSTILE)


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_nothing_but_a_refusal_comes_out(name, data):
    keys = [*signed(name, BODY, at=NOW), "x-request-id", "webhook-id", "svix-id"]
    headers = data.draw(st.dictionaries(st.sampled_from(keys), TEXTS))
    query = data.draw(st.dictionaries(st.sampled_from(["data.id"]), TEXTS | st.lists(TEXTS, max_size=2)))
    body = data.draw(st.binary(max_size=40))
    secrets = data.draw(st.lists(st.binary(min_size=1, max_size=20), max_size=2))
    refused(name, headers, body=body, query=query, secrets=secrets)


@pytest.mark.parametrize("name", EVERY)
def test_without_a_secret_nobody_passes(name):
    refused(name, signed(name, BODY, at=NOW), secrets=[])


def test_bearer_in_a_header_of_its_own():
    verify = VERIFY["bearer"]
    verify(request_of({"x-token": "söme"}), ["söme".encode("latin-1")], {"header": "X-Token"})
    with pytest.raises(WebhookRefusedError):
        verify(request_of({"x-token": "Bearer a"}), [b"a"], {"header": "X-Token"})
    verify(request_of({"authorization": "bEaReR  a"}), [b"a"], {})


def test_a_secret_in_utf8_is_compared_as_bytes():
    sent = "gehéim".encode().decode("latin-1")
    VERIFY["bearer"](request_of({"authorization": f"Bearer {sent}"}), ["gehéim".encode()], {})


def test_basic_has_one_spelling():
    credentials = base64.b64encode(b"shop:" + SCHEMES["basic"].secret.encode()).decode()
    assert credentials.endswith("=")
    refused("basic", {"authorization": f"Basic {credentials.rstrip('=')}"})
    refused("basic", {"authorization": f"Basic {credentials}\n"})


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_generic_hmac_takes_what_it_is_told(algorithm, encoding):
    digest = hmac.new(b"k", b"<" + BODY + b">", algorithm).digest()
    text = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    params = {"header": "X-S", "algorithm": algorithm, "encoding": encoding, "payload": "<{body}>"}
    VERIFY["hmac"](request_of({"x-s": text}), [b"k"], params)
    if encoding == "hex":
        VERIFY["hmac"](request_of({"x-s": text.upper()}), [b"k"], params)
        with pytest.raises(WebhookRefusedError):
            VERIFY["hmac"](request_of({"x-s": text.title()}), [b"k"], params)
    with pytest.raises(WebhookRefusedError):
        VERIFY["hmac"](request_of({"x-s": text}), [b"k"], {**params, "payload": "{body}>"})


def test_a_body_that_names_the_time_is_not_filled_in():
    params = {"header": "X-S", "timestamp_header": "X-T", "payload": "{timestamp}.{body}"}
    body = b"{timestamp}"
    text = hmac.new(b"k", f"{NOW}.".encode() + body, "sha256").hexdigest()
    VERIFY["hmac"](request_of({"x-s": text, "x-t": str(NOW)}, body), [b"k"], params)


def test_the_reasons_hold_no_secret():
    for name, scheme in SCHEMES.items():
        reason = refused(name, signed(name, BODY, scheme.other, NOW))
        assert scheme.secret not in reason
        assert scheme.other not in reason


def test_mercado_livre_takes_milliseconds_and_lower_case_ids():
    stamp = f"{NOW}123"
    manifest = f"id:abc1;request-id:r;ts:{stamp};".encode()
    headers = {
        "x-request-id": "r",
        "x-signature": f"ts={stamp},v1={hmac.new(b'k', manifest, hashlib.sha256).hexdigest()}",
    }
    VERIFY["mercado_livre"](request_of(headers, query={"data.id": "ABC1"}), [b"k"], {})
    swapped = {"x-signature": headers["x-signature"]}
    with pytest.raises(WebhookRefusedError):
        VERIFY["mercado_livre"](request_of(swapped, query={"data.id": "abc1;request-id:r"}), [b"k"], {})
