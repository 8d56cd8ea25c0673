"""The addresses of waiting nodes can be read back, and neither be guessed nor changed."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from flowrun.triggers.resume_links import ResumeLinks

KEY = b"k" * 32
NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\n"), min_size=1, max_size=64)


def links(key: bytes = KEY) -> ResumeLinks:
    return ResumeLinks(key, "https://flows.example.com")


@given(st.uuids(), NAMES, st.sampled_from(["", "3", "3.0"]))
def test_token_names_the_node_run(execution, node, iteration):
    token = links().token(str(execution), node, iteration)
    assert links().read(token) == (str(execution), (node, iteration))
    assert links().url(str(execution), node, iteration) == f"https://flows.example.com/resume/{token}"
    assert links(b"x" * 32).read(token) is None


@given(st.uuids(), st.integers(0, 400), st.integers(1, 255))
def test_changed_token_is_refused(execution, place, change):
    token = links().token(str(execution), "ask", "")
    whole = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    whole[place % len(whole)] ^= change
    assert links().read(base64.urlsafe_b64encode(bytes(whole)).decode().rstrip("=")) is None


@given(st.text(max_size=1_200) | st.binary(max_size=200).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_anything_else_is_refused(text):
    assert links().read(text) is None
