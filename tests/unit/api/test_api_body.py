"""What bodies are let in."""

from __future__ import annotations

import asyncio
import time

import pytest

from flowrun.api.body import json_object, parse_json, read_body, workflow_document
from flowrun.api.problems import RequestTimeoutError, UnsupportedMediaTypeError
from flowrun.errors import InvalidInputError, MalformedError, TooLargeError

JSON = {"content-type": "application/json"}


def receiver(*chunks, then=None):
    """A `receive` that gives these chunks, and then nothing more, or another message."""
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append(then or {"type": "http.request", "body": b"", "more_body": False})

    async def receive():
        return messages.pop(0)

    return receive


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"{}", {}),
        (b"[" * 64 + b"]" * 64, None),
        (b'{"a":9223372036854775807,"b":-9223372036854775808}', {"a": 2**63 - 1, "b": -(2**63)}),
        (b'{"a":1234567890123456789012.5}', {"a": 1234567890123456789012.5}),
        (b'{"a":"12345678901234567890123"}', {"a": "12345678901234567890123"}),
        (rb'{"a":"\\u0000"}', {"a": r"\u0000"}),
        (b"[" + b"[]," * 60_000 + b"[]]", None),
    ],
)
def test_what_is_within_the_limits_is_read(body, value):
    read = parse_json(body)
    assert value is None or read == value


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[" * 65 + b"]" * 65, "nested more than 64"),
        (b"[" * 300 + b"]" * 300, "nested more than 64"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "nested more than 64"),
        (b"[" + b"1," * 100_000 + b"1]", "more than 100,000 values"),
        (b'{"a":9223372036854775808}', "64 bits"),
        (b'{"a":-9223372036854775809}', "64 bits"),
        (b'{"a":' + b"9" * 100 + b"}", "64 bits"),
        (rb'{"a":"x\u0000"}', r"U\+0000"),
        (rb'{"x\u0000":1}', r"U\+0000"),
    ],
)
def test_what_is_beyond_the_limits_is_refused_quickly(body, says):
    begun = time.perf_counter()
    with pytest.raises(InvalidInputError, match=says):
        parse_json(body)
    assert time.perf_counter() - begun < 0.5


@pytest.mark.parametrize(
    "body", [b"{", b"", b"NaN", b"[Infinity]", b"{'a':1}", b"\xff", b'"\x00"', b"[" * 100_000, b"[1,]", b"1e999"]
)
def test_what_is_no_json_is_malformed(body):
    with pytest.raises(MalformedError):
        parse_json(body)


async def test_a_body_comes_in_chunks():
    assert await read_body(receiver(b"a", b"b", b"c")) == b"abc"


async def test_a_body_is_refused_as_soon_as_it_is_too_large():
    taken = 0

    async def receive():
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b"x" * 100, "more_body": True}

    with pytest.raises(TooLargeError):
        await read_body(receive, limit=250)
    assert taken == 3


async def test_a_body_of_exactly_the_limit_is_read():
    assert len(await read_body(receiver(b"x" * 250), limit=250)) == 250


async def test_a_body_that_trickles_has_a_deadline():
    async def receive():
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    with pytest.raises(RequestTimeoutError):
        await read_body(receive, seconds=0.1)


async def test_a_client_that_goes_away_sends_no_body():
    with pytest.raises(MalformedError):
        await read_body(receiver(b"a", then={"type": "http.disconnect"}))


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "application/x+json", ""])
def test_json_is_accepted(kind):
    assert json_object(b'{"a":1}', {"content-type": kind}) == {"a": 1}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_other_content_types_are_told_what_is_accepted(kind):
    with pytest.raises(UnsupportedMediaTypeError, match="application/json"):
        json_object(b'{"a":1}', {"content-type": kind})
    with pytest.raises(UnsupportedMediaTypeError, match="application/yaml"):
        workflow_document(b"a: 1", {"content-type": kind})


def test_a_compressed_body_is_refused():
    with pytest.raises(UnsupportedMediaTypeError, match="gzip"):
        json_object(b"\x1f\x8b", {**JSON, "content-encoding": "gzip"})


def test_only_an_object_is_a_body():
    with pytest.raises(InvalidInputError):
        json_object(b"[1]", JSON)
    assert json_object(b"", {}) == {}
