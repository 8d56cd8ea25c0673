"""Multipart forms: fields as texts, files as base64, anything odd a clear refusal."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrun.api.multipart import MOST_PARTS, multipart_fields
from flowrun.errors import FlowrunError, InvalidInputError, MalformedError

TYPE = 'multipart/form-data; boundary="b-1"'


def body(*parts):
    return b"".join(b"--b-1\r\n" + head + b"\r\n\r\n" + content + b"\r\n" for head, content in parts) + b"--b-1--\r\n"


def field(name, content, more=b""):
    return (b'Content-Disposition: form-data; name="' + name + b'"' + more, content)


def test_fields_and_files():
    raw = body(
        field(b"a", "grüß".encode()),
        field(b"b", b"1"),
        field(b"b", b"2"),
        field(b"empty", b""),
        field(b"doc", b"\x00\xff\r\n--b-2\r\n", b'; filename="r\xc3\xa9sum%22e.pdf"\r\nContent-Type: application/pdf'),
    )
    assert multipart_fields(b"preamble\r\n" + raw + b"epilogue", TYPE) == {
        "a": "grüß",
        "b": ["1", "2"],
        "empty": "",
        "doc": {
            "filename": 'résum"e.pdf',
            "content_type": "application/pdf",
            "base64": base64.b64encode(b"\x00\xff\r\n--b-2\r\n").decode(),
        },
    }


def test_a_field_that_is_no_text_is_base64():
    assert multipart_fields(body(field(b"a", b"\xff")), TYPE) == {"a": {"base64": "/w=="}}


def test_the_boundary_may_be_unquoted():
    raw = body(field(b"a", b"1"))
    assert multipart_fields(raw, "multipart/form-data; charset=utf-8; boundary=b-1") == {"a": "1"}


@pytest.mark.parametrize(
    ("raw", "content_type"),
    [
        (body(field(b"a", b"1")), "multipart/form-data"),
        (body(field(b"a", b"1")), "multipart/form-data; boundary="),
        (b"", TYPE),
        (body(field(b"a", b"1"))[:-6], TYPE),
        (body((b"Content-Type: text/plain", b"1")), TYPE),
        (body((b"Content-Disposition: form-data", b"1")), TYPE),
        (body((b"Content-Disposition: attachment; name=a", b"1")), TYPE),
        (body(field(b"a", b"\x00")), TYPE),
        (body(field(b"a\x00", b"1")), TYPE),
        (b"--b-1\r\nno headers\r\n--b-1--", TYPE),
    ],
)
def test_what_is_no_form_is_refused(raw, content_type):
    with pytest.raises(MalformedError):
        multipart_fields(raw, content_type)


def test_too_many_parts_are_refused():
    with pytest.raises(InvalidInputError, match="1,000 parts"):
        multipart_fields(body(*[field(b"a", b"1")] * (MOST_PARTS + 1)), TYPE)
    assert len(multipart_fields(body(*[field(b"a", b"1")] * MOST_PARTS), TYPE)["a"]) == MOST_PARTS


@given(
    st.lists(
        st.sampled_from([b"--b-1", b"--", b"\r\n", b"\r\n\r\n", b"Content-Disposition: form-data; name=a", b"x", b'"'])
    )
)
def test_nothing_but_a_refusal_comes_out(pieces):
    with contextlib.suppress(FlowrunError):
        assert isinstance(multipart_fields(b"".join(pieces), TYPE), dict)
