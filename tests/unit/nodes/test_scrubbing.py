"""What a node answered holds no secret any more, however it is spelt."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import httpx2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrun.domain.node_type import Completed, Emitted, Failed, Respond, Waiting
from flowrun.nodes.scrubbing import SCRUBBED, Scrubber

SECRET = 's3cr3t/+ "q" é\\ <&>\''
SPELLINGS = {
    "plain": str,
    "json": lambda v: json.dumps(v)[1:-1],
    "json in utf-8": lambda v: orjson.dumps(v).decode()[1:-1],
    "json within json": lambda v: json.dumps(json.dumps({"k": v})),
    "json with escaped slashes": lambda v: json.dumps(v)[1:-1].replace("/", "\\/"),
    "python": repr,
    "url": lambda v: quote(v, safe=""),
    "url in lower case": lambda v: "".join(c.lower() if i else c for i, c in enumerate(quote(v, safe=""))),
    "path": quote,
    "url of an HTTP client": lambda v: str(httpx2.URL(f"http://h/?q={v.replace('#', '')}").query.decode()[2:]),
    "form": quote_plus,
    "html": html.escape,
    "hex": lambda v: v.encode().hex(),
    "upper hex": lambda v: v.encode().hex().upper(),
    "base64": lambda v: base64.b64encode(v.encode()).decode(),
    "url-safe base64": lambda v: base64.urlsafe_b64encode(v.encode()).decode(),
    "basic auth": lambda v: base64.b64encode(f"user:{v}".encode()).decode(),
    "base64 in the middle": lambda v: base64.b64encode(f"ab{v}and more".encode()).decode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_found(spelling):
    text = SPELLINGS[spelling]('s3cr3t/+ "q" \\ <&>\'' if spelling == "url in lower case" else SECRET)
    secret = 's3cr3t/+ "q" \\ <&>\'' if spelling == "url in lower case" else SECRET
    scrubbed = Scrubber([secret]).text(f"before {text} after")
    assert SCRUBBED in scrubbed
    assert "s3cr3t" not in scrubbed
    assert text not in scrubbed


def test_a_secret_in_a_host_name_is_found_in_lower_case():
    url = httpx2.URL("http://S3cr3t-Name.example.com/")
    assert Scrubber(["S3cr3t-Name"]).text(f"{url} cannot be reached") == "http://***.example.com/ cannot be reached"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=40).filter(lambda v: len(v.strip()) >= 4),
       st.binary(max_size=5), st.binary(max_size=5))  # fmt: skip
def test_base64_of_a_neighbourhood_gives_nothing_away(secret, before, after):
    encoded = base64.b64encode(before + secret.encode() + after).decode()
    scrubbed = Scrubber([secret]).text(encoded)
    pieces = scrubbed.split(SCRUBBED)
    assert len(pieces) > 1 or len(secret.encode()) < 5
    if len(pieces) > 1:
        # What is left are characters that belong to the neighbours alone.
        assert len(pieces[0]) <= -(-len(before) * 8 // 6)


def test_values_keys_and_numbers():
    scrub = Scrubber(["123456", "topsecret"])
    value = {"topsecret-key": [123456, 1234567.5, True, None, "a topsecret b", {"n": 12}], "ok": 99}
    assert scrub.value(value) == {"***-key": [SCRUBBED, SCRUBBED, True, None, "a *** b", {"n": 12}], "ok": 99}


def test_a_secret_that_an_excerpt_cuts_off():
    scrub = Scrubber(["abcdefghijklmnop"])
    assert scrub.text("token abcdefghijkl") == "token ***"
    assert scrub.text("token abcdefghijkl…") == "token ***"
    assert scrub.text("token abcdefgX") == "token abcdefgX"


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_spelling_that_an_excerpt_cuts_off(spelling):
    secret = "pass/word+with=odd&chars" + "0123456789" * 2
    whole = SPELLINGS[spelling](secret)
    for length in range(len(whole) // 2, len(whole)):
        scrubbed = Scrubber([secret]).text(f"before {whole[:length]}…")
        assert "word" not in scrubbed
        assert len(scrubbed) <= len("before ***…") + 16, scrubbed


def test_what_a_server_echoes_that_takes_headers_for_latin_1():
    assert Scrubber(["s3cr3t-é-part"]).text("got s3cr3t-Ã©-part") == "got ***"


@pytest.mark.parametrize(
    ("secret", "text"), [("a" * 60_000 + "b", "a" * 1_000_000), ("a%+" * 20_000, "a%2B" * 250_000)]
)
def test_no_secret_and_no_text_make_it_look_for_long(secret, text):
    # Where each character is compared to each, this takes an hour.
    assert Scrubber([secret]).text(text)


@given(
    secrets=st.lists(st.text("ab&+%é ", min_size=4, max_size=12), max_size=3), text=st.text("ab&+%é 26", max_size=60)
)
def test_nothing_that_is_left_holds_a_secret_but_its_beginning(secrets, text):
    scrubbed = Scrubber(secrets).text(text)
    assert not any(secret in scrubbed.replace(SCRUBBED, "\0") for secret in secrets)


def test_the_longer_of_two_secrets_goes_first():
    assert Scrubber(["abcd", "abcdefgh"]).text("x abcdefgh abcd") == "x *** ***"
    assert Scrubber(["ab&c", "ab&cdef"]).text("x ab&amp;cdef ab%26c") == "x *** ***"


@pytest.mark.parametrize(
    "outcome",
    [
        Completed({"a": "topsecret"}, ("x",)),
        Waiting(5, "topsecret"),
        Failed("topsecret", "the topsecret", True, {"d": ["topsecret"]}, 3.0),
        Respond({"body": "topsecret"}, 201, {"X": "topsecret"}, {"b": "topsecret"}),
        Emitted("topsecret", event_type="t"),
    ],
)
def test_every_outcome(outcome):
    scrubbed = Scrubber(["topsecret"]).outcome(outcome)
    assert type(scrubbed) is type(outcome)
    assert "topsecret" not in repr(scrubbed)
    assert SCRUBBED in repr(scrubbed)


def test_secrets_that_are_too_short_to_be_found_leave_everything_as_it_is():
    assert Scrubber({"a"}).text("a cat") == "a cat"
    assert Scrubber(set()).text("a cat") == "a cat"
