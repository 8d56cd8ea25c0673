"""The pagination of the `http` node."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from support.recording_server import response

from flowrun.domain.node_type import Completed
from flowrun.nodes.http_pages import next_link

JSON = "application/json"


def page(body, **headers):
    return response(200, json.dumps(body).encode(), JSON, **headers)


def pages_by_query(name, answers, wrap=lambda answer: answer):
    """Answer by the value that a name has in the query."""

    async def answer(request, writer):
        value = parse_qs(urlsplit(request.target).query).get(name, [""])[0]
        writer.write(wrap(answers[value]))
        await writer.drain()

    return answer


@pytest.mark.parametrize(
    ("header", "url"),
    [
        ('<https://a/2>; rel="next", <https://a/9>; rel="last"', "https://a/2"),
        ('<https://a/1>; rel="prev", </x?a=1,2;b>; title="x"; rel="up next"', "/x?a=1,2;b"),
        ("<2>;rel=next", "2"),
        ("<2>; REL=NEXT", "2"),
        ("", None),
        ("<2>", None),
        ('<2>; rel="nextish"', None),
        ("nonsense <", None),
        ("<" * 50_000, None),
    ],
)
def test_link_headers(header, url):
    assert next_link(header) == url


async def test_links_are_followed_to_the_end(server, call):
    async def answer(request, writer):
        number = int(parse_qs(urlsplit(request.target).query).get("page", ["1"])[0])
        link = {"Link": f'</list?page={number + 1}>; rel="next"'} if number < 3 else {}
        writer.write(page([number, number * 10], **link))
        await writer.drain()

    server.answers["/list"] = answer
    outcome = await call(url=f"{server.url}/list", query={"q": 1}, pagination={"type": "link"})
    assert isinstance(outcome, Completed)
    assert outcome.output["body"] == [1, 10, 2, 20, 3, 30]
    assert (outcome.output["pages"], outcome.output["more"], outcome.output["status"]) == (3, False, 200)
    assert [request.target for request in server.requests] == ["/list?q=1", "/list?page=2", "/list?page=3"]
    keys = [request.headers["idempotency-key"] for request in server.requests]
    assert keys == ["e:n:0", "e:n:0:page-2", "e:n:0:page-3"]
    cut = await call(url=f"{server.url}/list", pagination={"type": "link", "max_pages": 2})
    assert (cut.output["body"], cut.output["pages"], cut.output["more"]) == ([1, 10, 2, 20], 2, True)


async def test_links_in_the_body_and_keys_in_the_query(server, call):
    server.answers |= {
        "/a": page({"rows": {"all": [1]}, "next": "/b?x=1"}),
        "/b": page({"rows": {"all": [2]}, "next": None}),
    }
    outcome = await call(
        url=f"{server.url}/a", pagination={"type": "link", "next": "next", "items": "rows.all"},
        auth={"type": "api_key", "name": "key", "value": "s", "in": "query"}, headers={"Idempotency-Key": "own"},
    )  # fmt: skip
    assert outcome.output["body"] == [1, 2]
    assert [request.target for request in server.requests] == ["/a?key=s", "/b?x=1&key=s"]
    assert [request.headers["idempotency-key"] for request in server.requests] == ["own", "own"]


async def test_secrets_do_not_follow_a_link_to_another_origin(server, call):
    async with type(server)() as other:
        other.answers["/more"] = page([2])
        server.answers["/"] = page([1], Link=f"<{other.url}/more>; rel=next")
        for auth in (
            {"type": "bearer", "token": "t"},
            {"type": "api_key", "name": "key", "value": "s"},
            {"type": "api_key", "name": "key", "value": "s", "in": "query"},
        ):
            outcome = await call(url=server.url, auth=auth, pagination={"type": "link"})
            assert outcome.output["body"] == [1, 2]
        for request in other.requests:
            assert request.target == "/more"
            assert not {"authorization", "key"} & request.headers.keys()


async def test_a_body_with_a_secret_does_not_follow_a_link_to_another_origin(server, call):
    async with type(server)() as other:
        other.answers["/more"] = page([2])
        server.answers["/"] = page([1], Link=f"<{other.url}/more>; rel=next")
        body = {"key": "a-secret", "of": "me"}
        asked = {"url": server.url, "method": "POST", "body": body, "pagination": {"type": "link"}}
        refused = await call(hidden=("a-secret",), **asked)
        assert (refused.type, other.requests) == ("redirect_error", [])
        assert (await call(hidden=("another",), **asked)).output["body"] == [1, 2]


@pytest.mark.parametrize(("status", "kept"), [(302, False), (303, False), (307, True), (308, True)])
async def test_a_body_with_a_secret_is_not_redirected_to_another_origin(server, call, status, kept):
    async with type(server)() as other:
        other.answers["/"] = response(200, b"1", JSON)
        server.answers["/"] = response(status, Location=f"{other.url}/")
        outcome = await call(url=server.url, method="POST", body={"key": "a-secret"}, hidden=("a-secret",))
        if kept:
            assert (outcome.type, other.requests) == ("redirect_error", [])
        else:
            assert [(request.method, request.body) for request in other.requests] == [("GET", b"")]


async def test_a_link_to_a_refused_address(server, call):
    server.answers["/"] = page([1], Link="<http://169.254.169.254/>; rel=next")
    assert (await call(url=server.url, pagination={"type": "link"})).type == "address_refused"
    server.answers["/"] = page([1], Link="<ftp://x/>; rel=next")
    assert (await call(url=server.url, pagination={"type": "link"})).type == "redirect_error"


@pytest.mark.parametrize("end", [None, "", False])
async def test_cursors(server, call, end):
    answers = {
        "": page({"rows": [1], "meta": {"next": "c 2"}}),
        "c 2": page({"rows": [], "meta": {"next": 3}}),
        "3": page({"rows": [3], "meta": {"next": end}}),
    }
    server.answers["/"] = pages_by_query("after", answers)
    pagination = {"type": "cursor", "cursor": "meta.next", "param": "after", "items": "rows"}
    outcome = await call(url=f"{server.url}/?limit=1", pagination=pagination)
    assert (outcome.output["body"], outcome.output["pages"], outcome.output["more"]) == ([1, 3], 3, False)
    targets = [request.target for request in server.requests]
    assert targets == ["/?limit=1", "/?limit=1&after=c+2", "/?limit=1&after=3"]


async def test_the_rest_of_the_query_stays_as_it_is_written(server, call):
    server.answers["/"] = pages_by_query("p%", {"1": page([1]), "2": page([])})
    url = f"{server.url}/?q=caf%E9&b&p%25=9&c=a+b%20c&d=x;y"
    await call(url=url, pagination={"type": "page", "param": "p%"})
    targets = [request.target for request in server.requests]
    assert targets == [f"/?q=caf%E9&b&c=a+b%20c&d=x;y&p%25={number}" for number in (1, 2)]


async def test_a_cursor_that_comes_again_ends_it(server, call):
    server.answers["/"] = page({"rows": [1], "next": "same"})
    outcome = await call(url=server.url, pagination={"type": "cursor", "cursor": "next", "items": "rows"})
    assert (outcome.output["body"], outcome.output["pages"], outcome.output["more"]) == ([1, 1], 2, False)


async def test_numbers(server, call):
    server.answers["/"] = pages_by_query("p", {"0": page([1, 2]), "1": page([3, 4]), "2": page([5]), "3": page([])})
    plain = await call(url=server.url, pagination={"type": "page", "param": "p", "start": 0})
    assert (plain.output["body"], plain.output["pages"]) == ([1, 2, 3, 4, 5], 4)
    sized = await call(url=f"{server.url}?p=9", pagination={"type": "page", "param": "p", "start": 0, "page_size": 2})
    assert (sized.output["body"], sized.output["pages"]) == ([1, 2, 3, 4, 5], 3)


@pytest.mark.parametrize(
    ("answer", "pagination", "words"),
    [
        (page({"a": 1}), {"type": "link"}, "page 1 has no list as its body"),
        (page({"rows": 1}), {"type": "link", "items": "rows"}, "page 1 has no list at `rows`"),
        (page({"rows": [], "next": [1]}), {"type": "cursor", "cursor": "next", "items": "rows"}, "no text or number"),
        (page({"rows": [], "next": 1}), {"type": "link", "next": "next", "items": "rows"}, "no text as the next"),
    ],
)
async def test_pages_that_are_none(server, call, answer, pagination, words):
    server.answers["/"] = answer
    outcome = await call(url=server.url, pagination=pagination)
    assert outcome.type == "invalid_response"
    assert words in outcome.message


async def test_a_page_that_fails_fails_the_node(server, call):
    server.answers["/"] = pages_by_query("page", {"1": page([1]), "2": response(503, Retry_After="7")})
    outcome = await call(url=server.url, pagination={"type": "page"})
    assert (outcome.type, outcome.retryable, outcome.retry_after) == ("http_status", True, 7)
    assert outcome.message.startswith("page 2: ")


async def test_endless_pages_end(server, call):
    counter = iter(range(1_000_000))

    async def endless(_request, writer):
        writer.write(page({"rows": ["x" * 100_000], "next": next(counter)}))
        await writer.drain()

    async def slow(_request, writer):
        await asyncio.sleep(0.05)
        await endless(_request, writer)

    server.answers |= {"/": endless, "/slow": slow}
    pagination = {"type": "cursor", "cursor": "next", "items": "rows", "max_pages": 1000}
    outcome = await call(url=server.url, pagination=pagination)
    assert (outcome.type, outcome.retryable) == ("response_too_large", False)
    assert len(server.requests) < 90
    outcome = await call(url=f"{server.url}/slow", pagination=pagination, timeout=0.3)
    assert (outcome.type, outcome.retryable) == ("http_timeout", True)
