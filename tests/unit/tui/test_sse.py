"""Server-sent events from bytes, however they are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.sse import MOST_CHARACTERS, ServerEvent, SseParser, StreamBrokenError

STREAM = (
    '\ufeff: hello\n\nid: 3-1\r\nevent: ready\r\ndata: {}\r\n\r\nevent: execution\rdata: {"a":\rdata: "ü€"}\r\r'
    "data:no space\nunknown: x\nid: 3-2\n\nevent: nothing\n\nretry: 1500\ndata: last\n\ndata: unfinished"
)
EVENTS = [
    ServerEvent("ready", "{}", "3-1"),
    ServerEvent("execution", '{"a":\n"ü€"}', "3-1"),
    ServerEvent("message", "no space", "3-2"),
    ServerEvent("message", "last", "3-2"),
]


def test_events_have_their_name_data_and_the_last_id():
    parser = SseParser()
    assert parser.feed(STREAM.encode()) == EVENTS
    assert parser.retry == 1.5


@given(st.lists(st.integers(0, len(STREAM.encode())), max_size=30))
def test_it_makes_no_difference_where_the_bytes_are_cut(cuts):
    data, parser, found = STREAM.encode(), SseParser(), []
    places = [0, *sorted(cuts), len(data)]
    for begin, end in pairwise(places):
        found += parser.feed(data[begin:end])
    assert found == EVENTS


@given(st.binary(max_size=300))
def test_no_bytes_break_it(data):
    for event in SseParser().feed(data):
        assert event.data is not None


def test_an_event_without_end_is_given_up():
    parser = SseParser()
    assert parser.feed(b"data: " + b"x" * 1_000_000) == []
    with pytest.raises(StreamBrokenError):
        parser.feed(b"x" * MOST_CHARACTERS)
