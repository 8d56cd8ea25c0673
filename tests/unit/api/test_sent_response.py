"""What a response node may send."""

from __future__ import annotations

import pytest

from flowrun.api.sent_response import sent_response


def headers_of(**headers):
    return dict(sent_response({"status": 200, "headers": headers, "body": "x"}).headers)


@pytest.mark.parametrize(
    ("body", "content", "kind"),
    [
        ("hi", b"hi", "text/plain; charset=utf-8"),
        ({"a": 1}, b'{"a":1}', "application/json"),
        ([1], b"[1]", "application/json"),
        (5, b"5", "application/json"),
        (False, b"false", "application/json"),
        (None, b"", None),
    ],
)
def test_the_body_decides_the_content_type(body, content, kind):
    reply = sent_response({"status": 200, "headers": {}, "body": body})
    assert (reply.body, reply.headers.get("content-type")) == (content, kind)


def test_a_header_says_otherwise():
    reply = sent_response({"status": 200, "headers": {"Content-Type": "text/html"}, "body": "<p>"})
    assert reply.headers.getlist("content-type") == ["text/html"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Connection", "close"),
        ("Transfer-Encoding", "chunked"),
        ("content-length", "9999"),
        ("Upgrade", "h2c"),
        ("Strict-Transport-Security", "max-age=1"),
        ("Clear-Site-Data", "*"),
        ("X-Injected", "a\r\nSet-Cookie: b=c"),
        ("X-Injected", "a\nb"),
        ("X-Nul", "a\x00"),
        ("X Space", "a"),
        ("X-Injected\r\nY", "a"),
        ("X-Unicode", "☃"),
        ("X-List", ["a"]),
        ("", "a"),
    ],
)
def test_headers_that_must_not_be_sent_are_dropped(name, value):
    found = headers_of(**{name: value})
    assert found.keys() == {"content-length", "content-type", "x-content-type-options"}
    assert found["content-length"] == "1"


def test_plain_headers_are_kept():
    assert headers_of(**{"X-A": "b", "X-N": 5, "Location": "/x", "Set-Cookie": "a=b"}).items() >= {
        ("x-a", "b"),
        ("x-n", "5"),
        ("location", "/x"),
        ("set-cookie", "a=b"),
    }


@pytest.mark.parametrize(("status", "sent"), [(404, 404), (99, 200), (700, 200), ("201", 200), (None, 200), (100, 200)])
def test_an_impossible_status_is_200(status, sent):
    assert sent_response({"status": status, "body": "x"}).status_code == sent


@pytest.mark.parametrize("status", [204, 304])
def test_no_content_has_none(status):
    assert sent_response({"status": status, "body": "x"}).body == b""
