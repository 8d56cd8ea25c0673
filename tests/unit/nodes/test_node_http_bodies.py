"""What the `http` node sends beside JSON, its API keys, and how it judges certificates."""

from __future__ import annotations

import asyncio
import base64
import json
from email.parser import BytesParser
from email.policy import HTTP

import pytest
from support.certificate import self_signed, server_context
from support.recording_server import response

from flowrun.domain.definition import NodeDefinition
from flowrun.domain.node_type import Completed
from flowrun.nodes.http_body import parse_body
from flowrun.nodes.registry import builtin_types

ALL_BYTES = base64.b64encode(bytes(range(256))).decode()
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[9223372036854775807, -9223372036854775808]", [2**63 - 1, -(2**63)]),
        ('{"id": 18446744073709551615}', {"id": 2**64 - 1}),
        ('{"id": 123456789012345678901234567890}', {"id": "123456789012345678901234567890"}),
        ("-18446744073709551616", "-18446744073709551616"),
        ("[1.2345678901234567890123, 1e30]", [1.2345678901234567890123, 1e30]),
        ('"12345678901234567890123"', "12345678901234567890123"),
    ],
)
def test_a_whole_number_that_is_too_long_stays_what_it_is(text, value):
    assert parse_body(text.encode(), "application/json") == value


@pytest.mark.parametrize(
    ("kind", "body", "sent", "said"),
    [
        ("json", "text", b'"text"', "application/json"),
        ("json", None, b"null", "application/json"),
        ("json", {"a": 1}, b'{"a":1}', "application/json"),
        ("form", {"a": ["x y", 1], "b": None, "c": True}, b"a=x+y&a=1&c=true", FORM),
        ("text", "plain", b"plain", "text/plain; charset=utf-8"),
        ("text", {"a": 1}, b'{"a":1}', "text/plain; charset=utf-8"),
        ("binary", "AAECZg==", b"\0\1\2f", "application/octet-stream"),
        ("binary", {"base64": "AAE="}, b"\0\1", "application/octet-stream"),
        ("binary", None, b"", ""),
    ],
)
async def test_kinds_of_bodies(server, call, kind, body, sent, said):
    server.answers["/"] = response()
    assert isinstance(await call(url=server.url, method="POST", body=body, body_type=kind), Completed)
    (request,) = server.requests
    assert request.body == sent
    assert request.headers.get("content-type", "") == said


async def test_a_content_type_of_ones_own_stays(server, call):
    server.answers["/"] = response()
    headers = {"Content-Type": "image/png"}
    await call(url=server.url, method="PUT", body="AAE=", body_type="binary", headers=headers)
    assert server.requests[0].headers["content-type"] == "image/png"


async def test_a_multipart_form(server, call):
    server.answers["/"] = response()
    body = {
        "title": "Grüße",
        "tags": ["a", 2],
        "none": None,
        'odd"\r\nname': "x",
        "notes": {"filename": "n.txt", "text": "hello"},
        "photo": {"filename": 'a"b.png', "content_type": "image/png", "base64": ALL_BYTES},
        "raw": {"base64": ""},
    }  # fmt: skip
    for _ in range(2):
        outcome = await call(
            url=server.url, method="POST", body=body, body_type="multipart", headers={"Content-Type": "x/y"}
        )
        assert isinstance(outcome, Completed)
    one, two = server.requests
    assert one.body == two.body
    parsed = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + one.headers["content-type"].encode() + b"\r\n\r\n" + one.body
    )
    parts = [
        (
            part.get_param("name", header="content-disposition"), part.get_filename(), part.get_content_type(),
            part.get_payload(decode=True),
        )
        for part in parsed.iter_parts()
    ]  # fmt: skip
    assert parts == [
        ("title", None, "text/plain", "Grüße".encode()),
        ("tags", None, "text/plain", b"a"),
        ("tags", None, "text/plain", b"2"),
        ("odd%22%0D%0Aname", None, "text/plain", b"x"),
        ("notes", "n.txt", "text/plain", b"hello"),
        ("photo", "a%22b.png", "image/png", bytes(range(256))),
        ("raw", "raw", "application/octet-stream", b""),
    ]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("form", [1]),
        ("multipart", "text"),
        ("multipart", {"f": {"filename": "a"}}),
        ("multipart", {"f": {"text": "a", "base64": ""}}),
        ("multipart", {"f": {"text": "a", "path": "/etc/passwd"}}),
        ("multipart", {"f": {"base64": "***"}}),
        ("multipart", {"f": {"text": "a", "content_type": "a\r\nX-Evil: 1"}}),
        ("binary", "no base64!"),
        ("binary", {"text": "a"}),
        ("binary", [1]),
    ],
)
async def test_bodies_that_cannot_be_sent(server, call, kind, body):
    outcome = await call(url=server.url, method="POST", body=body, body_type=kind)
    assert (outcome.type, outcome.retryable) == ("invalid_request", False)
    assert server.requests == []


async def test_api_keys(server, call):
    server.answers["/"] = response()
    await call(url=server.url, auth={"type": "api_key", "value": "s3"})
    await call(url=server.url, auth={"type": "api_key", "name": "X-Token", "value": "s3"})
    await call(
        url=f"{server.url}?a=1", query={"b": 2}, auth={"type": "api_key", "name": "k", "value": "ä &", "in": "query"}
    )
    one, two, three = server.requests
    assert (one.headers["x-api-key"], two.headers["x-token"]) == ("s3", "s3")
    assert three.target == "/?a=1&b=2&k=%C3%A4+%26"


async def test_an_api_key_is_in_no_error_and_goes_to_no_other_origin(server, call):
    async def echo(request, writer):
        writer.write(response(400, (request.target + json.dumps(request.headers)).encode(), "text/plain"))
        await writer.drain()

    server.answers["/"] = echo
    for place in ("header", "query"):
        auth = {"type": "api_key", "name": "key", "value": "tOp &sEcret", "in": place}
        outcome = await call(url=server.url, auth=auth)
        assert "***" in outcome.details["body"]
        assert "sEcret" not in outcome.details["body"]
    async with type(server)() as other:
        other.answers["/"] = response()
        server.answers["/"] = response(302, Location=other.url)
        for place in ("header", "query"):
            await call(url=server.url, auth={"type": "api_key", "name": "key", "value": "s", "in": place})
        assert all("key" not in request.headers and request.target == "/" for request in other.requests)
        assert len(other.requests) == 2


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate of 127.0.0.1: its PEM text, and a file of it and its key."""
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def secure(certificate):
    """The URL of an HTTPS server that answers `1`, or sends to another place."""

    async def serve(reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            away = head.split(b" ")[1].startswith(b"/away?")
            to = head.split(b" ")[1].partition(b"?")[2].decode()
            writer.write(response(302, Location=to) if away else response(200, b"1", "application/json"))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    running = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_context(certificate[1]))
    yield f"https://127.0.0.1:{running.sockets[0].getsockname()[1]}"
    running.close()


async def test_certificates_are_judged(secure, call, certificate):
    outcome = await call(url=secure)
    assert outcome.type == "connection_error"
    assert "certificate" in outcome.message.lower()
    for tls in ({"ca": certificate[0]}, {"verify": False}):
        outcome = await call(url=secure, tls=tls)
        assert outcome.output["body"] == 1
    assert (await call(url=secure, tls={"verify": True})).type == "connection_error"
    wrong = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    assert (await call(url=secure, tls={"ca": wrong})).type == "invalid_request"


async def test_another_origin_is_judged_as_usual(secure, call):
    other = secure.replace("127.0.0.1", "localhost")
    here = await call(url=f"{secure}/away?{secure}/", tls={"verify": False})
    assert here.output["body"] == 1
    there = await call(url=f"{secure}/away?{other}/", tls={"verify": False})
    assert there.type in {"connection_error", "address_refused"}


def test_bad_params():
    http = builtin_types().get("http")

    def paths(**params):
        return [
            issue.path for issue in http.issues(NodeDefinition("n", "http", params={"url": "https://a.b", **params}))
        ]

    assert paths(tls={"ca": "nonsense", "verify": "x"}) == ["tls.verify", "tls.ca"]
    assert paths(body_type="xml") == ["body_type"]
    assert paths(auth={"type": "api_key", "value": "v", "in": "body"}) == ["auth.in"]
    assert paths(auth={"type": "api_key", "value": "v", "in": "query"}) == []
    assert paths(pagination={"type": "cursor"}) == ["pagination.cursor"]
    assert paths(pagination={"type": "page", "max_pages": 0, "pageSize": "x"}) == [
        "pagination.pageSize", "pagination.max_pages",
    ]  # fmt: skip
