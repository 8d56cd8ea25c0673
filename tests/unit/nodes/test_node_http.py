"""The `http` node against a real server on loopback."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from support.recording_server import response

from flowrun import __version__
from flowrun.domain.node_type import Completed, Failed
from flowrun.errors import ConfigurationError
from flowrun.nodes.http_client import HttpClient
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.registry import builtin_types

REGISTRY = builtin_types()

JSON = "application/json"


async def test_a_request_arrives_as_it_was_meant(server, call):
    server.answers["/a b"] = server.answers["/a%20b"] = response(
        200, b'{"ok": [1.5]}', JSON, X_Two="1", Set_Cookie="c=1"
    )
    outcome = await call(
        url=f"{server.url}/a b?x=1#part", method="post", query={"q": ["ä", 2], "yes": True, "no": None},
        headers={"X-Mine": 5, "X-None": None}, body={"n": None}, timeout="5s",
    )  # fmt: skip
    assert isinstance(outcome, Completed)
    assert outcome.output["status"] == 200
    assert outcome.output["body"] == {"ok": [1.5]}
    assert outcome.output["headers"]["x-two"] == "1"
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/a%20b?x=1&q=%C3%A4&q=2&yes=true")
    assert json.loads(request.body) == {"n": None}
    assert request.headers["content-type"] == JSON
    assert request.headers["host"] == f"127.0.0.1:{server.port}"
    assert request.headers["idempotency-key"] == "e:n:0"
    assert request.headers["user-agent"] == f"flowrun/{__version__}"
    assert request.headers["x-mine"] == "5"
    assert "x-none" not in request.headers
    assert "cookie" not in request.headers


@pytest.mark.parametrize(
    ("body", "content_type", "sent", "said"),
    [
        ("text", None, b"text", "text/plain; charset=utf-8"),
        ("<a/>", "application/xml", b"<a/>", "application/xml"),
        ([1], None, b"[1]", JSON),
        (0, None, b"0", JSON),
        (False, None, b"false", JSON),
        ({"a": 1}, "application/ld+json", b'{"a":1}', "application/ld+json"),
        ({"a": ["x y", 1], "b": None}, "application/x-www-form-urlencoded", b"a=x+y&a=1", None),
        (None, None, b"", ""),
    ],
)
async def test_bodies(server, call, body, content_type, sent, said):
    server.answers["/"] = response(204)
    headers = {"Content-Type": content_type} if content_type else {}
    assert (await call(url=server.url, method="PUT", headers=headers, body=body)).output["body"] is None
    (request,) = server.requests
    assert request.body == sent
    assert request.headers.get("content-type", "") == (content_type if said is None else said)


async def test_auth_and_own_idempotency_key(server, call):
    server.answers["/"] = response()
    await call(url=server.url, auth={"type": "bearer", "token": "tok"}, headers={"idempotency-key": "own"})
    await call(url=server.url, auth={"type": "basic", "username": "u", "password": "p"})
    await call(url=server.url, auth={"type": "header", "name": "X-Api-Key", "value": "s"})
    one, two, three = (request.headers for request in server.requests)
    assert (one["authorization"], one["idempotency-key"]) == ("Bearer tok", "own")
    assert two["authorization"] == "Basic dTpw"
    assert three["x-api-key"] == "s"


@pytest.mark.parametrize(
    ("content_type", "body", "value"),
    [
        (JSON, b"\xef\xbb\xbf[1]", [1]),
        ("application/problem+json; charset=utf-8", b"{}", {}),
        (JSON, b"", None),
        ("text/plain", "ä".encode(), "ä"),
        ("text/plain; charset=iso-8859-1", b"\xe4", "ä"),
        ("text/plain; charset=zlib", b"x", "x"),
        ("text/plain; charset=nonsense", b"\xff", "\ufffd"),
        ("image/png", b"\x00\x01", {"base64": "AAE="}),
        (None, b"ab", {"base64": "YWI="}),
    ],
)
async def test_a_body_is_read_by_its_type(server, call, content_type, body, value):
    server.answers["/"] = response(200, body, content_type)
    assert (await call(url=server.url)).output["body"] == value


async def test_what_claims_to_be_json_must_be(server, call):
    server.answers["/"] = response(200, b"{oops", JSON)
    outcome = await call(url=server.url)
    assert (outcome.type, outcome.retryable) == ("invalid_response", False)


@pytest.mark.parametrize(
    ("status", "retryable"), [(400, 0), (404, 0), (408, 1), (425, 1), (429, 1), (500, 1), (503, 1)]
)
async def test_unexpected_statuses(server, call, status, retryable):
    server.answers["/"] = response(status, ("ä" * 3000).encode(), "text/plain")
    outcome = await call(url=server.url)
    assert outcome.type == "http_status"
    assert outcome.retryable is bool(retryable)
    assert outcome.details == {"status": status, "body": "ä" * 2000}
    assert str(status) in outcome.message
    assert outcome.source == "node"


@pytest.mark.parametrize(
    ("expected", "ok", "bad"),
    [(404, 404, 200), (["2xx", "404-410"], 410, 411), ("200-299", 299, 300), ("5XX", 503, 499)],
)
async def test_expected_statuses(server, call, expected, ok, bad):
    server.answers |= {"/ok": response(ok), "/bad": response(bad)}
    assert (await call(url=f"{server.url}/ok", expect_status=expected)).output["status"] == ok
    assert (await call(url=f"{server.url}/bad", expect_status=expected)).details["status"] == bad


async def test_retry_after(server, call):
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    for given, low, high in (("7", 7, 7), (soon, 90, 101), ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0)):
        server.answers["/"] = response(429, Retry_After=given)
        assert low <= (await call(url=server.url)).retry_after <= high
    for odd in ("soon", "-1", "", "99999999999999999999 GMT"):
        server.answers["/"] = response(503, Retry_After=odd)
        assert (await call(url=server.url)).retry_after is None


async def test_redirects_are_followed(server, call):
    server.answers["/end"] = response(200, b"1", JSON)
    for status, method in ((301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")):
        server.requests.clear()
        server.answers["/start"] = response(status, b"moved", Location="/end")
        outcome = await call(
            url=f"{server.url}/start", method="POST", body={"a": 1}, auth={"type": "bearer", "token": "t"}
        )
        assert outcome.output["body"] == 1
        assert (server.requests[1].method, bool(server.requests[1].body)) == (method, method == "POST")
        assert ("content-type" in server.requests[1].headers) is (method == "POST")
        assert server.requests[1].headers["authorization"] == "Bearer t"


async def test_secrets_stay_with_their_origin(server, call):
    async with type(server)() as other:
        other.answers["/"] = response()
        server.answers["/"] = response(302, Location=other.url)
        headers = {"Cookie": "a=b", "X-Plain": "1"}
        await call(url=server.url, headers=headers, auth={"type": "header", "name": "X-Api-Key", "value": "s"})
        await call(url=server.url, headers=headers, auth={"type": "bearer", "token": "t"})
        for request in other.requests:
            assert not {"cookie", "authorization", "x-api-key"} & request.headers.keys()
            assert request.headers["x-plain"] == "1"
            assert request.headers["host"] == f"127.0.0.1:{other.port}"


@pytest.mark.parametrize(("status", "reaches"), [(302, True), (307, False), (308, False)])
async def test_a_secret_in_a_header_or_a_body_stays_with_its_origin(server, client, status, reaches):
    async with type(server)() as other:
        other.answers["/"] = response()
        server.answers["/"] = response(status, Location=other.url)
        node_type = REGISTRY.get("http")
        params = {"url": server.url, "method": "POST", "headers": {"X-Key": "k s3cret/value", "X-Plain": "1"}}
        params["body"] = {"key": "s3cret/value"}
        job = NodeJob(node_type.check(params), None, "e", "t", "w", "n", "", 1, "e:n:0")
        job.hidden = ("s3cret/value",)
        outcome = await node_type.run(job, Services(client))
        assert len(other.requests) == int(reaches)
        for request in other.requests:
            assert ("x-key" in request.headers, request.headers["x-plain"], request.body) == (False, "1", b"")
        assert reaches or (outcome.type == "redirect_error" and "holds a secret" in outcome.message)


async def test_redirects_end(server, call):
    server.answers["/"] = response(302, Location="/")
    outcome = await call(url=server.url)
    assert (outcome.type, outcome.retryable, len(server.requests)) == ("redirect_error", False, 6)
    for odd in ("ftp://x/", "http://", "http://u:p@127.0.0.1/", "http://[bad/"):
        server.answers["/"] = response(302, Location=odd)
        assert (await call(url=server.url)).type == "redirect_error", odd
    outcome = await call(url=server.url, follow_redirects=False, expect_status="3xx")
    assert outcome.output["status"] == 302
    server.answers["/"] = response(302)
    assert (await call(url=server.url)).details["status"] == 302


async def test_a_redirect_to_a_refused_address(server, call):
    server.answers["/"] = response(302, Location="http://169.254.169.254/latest/meta-data")
    outcome = await call(url=server.url)
    assert outcome.type == "address_refused"
    assert "169.254.169.254" in outcome.message


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, lambda data: zlib.compress(data, wbits=-15)])
async def test_compressed_answers(server, call, pack):
    packed = pack(b'{"a": 1}')
    server.answers["/"] = response(
        200, packed, JSON, Content_Encoding="gzip" if packed[:2] == b"\x1f\x8b" else "deflate"
    )
    assert (await call(url=server.url)).output["body"] == {"a": 1}
    assert server.requests[0].headers["accept-encoding"] == "gzip, deflate"


async def test_two_gzip_parts_are_one_body(server, call):
    server.answers["/"] = response(
        200, gzip.compress(b"a") + gzip.compress(b"b"), "text/plain", Content_Encoding="gzip"
    )
    assert (await call(url=server.url)).output["body"] == "ab"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b"x" * 999)[:-9], "gzip"),
        (b"nonsense", "gzip"),
        (b"x", "br"),
        (gzip.compress(b"x"), "gzip, gzip"),
    ],
    ids=[
        "cut off",
        "no gzip at all",
        "unknown",
        "packed once, said twice",
    ],  # gzip writes the time of day into its bytes.
)
async def test_damaged_encodings(server, call, body, encoding):
    server.answers["/"] = response(200, body, "text/plain", Content_Encoding=encoding)
    assert (await call(url=server.url)).type == "invalid_response"
    # An error says by its status whether to ask again, unless its body is what was wanted.
    server.answers["/"] = response(503, body, "text/plain", Content_Encoding=encoding, Retry_After="7")
    outcome = await call(url=server.url)
    assert (outcome.type, outcome.retryable, outcome.retry_after) == ("http_status", True, 7)
    assert outcome.details == {"status": 503, "body": ""}
    assert (await call(url=server.url, expect_status=[503])).type == "invalid_response"


async def test_a_bomb_is_not_unpacked(server, call):
    server.answers["/"] = response(200, gzip.compress(bytes(200_000_000), 1), "text/plain", Content_Encoding="gzip")
    began = time.process_time()
    outcome = await call(url=server.url)
    assert time.process_time() - began < 0.5
    assert (outcome.type, outcome.retryable) == ("response_too_large", False)
    assert outcome.details == {"status": 200}


async def test_the_limit_is_exact(server, call):
    client = HttpClient(["127.0.0.1"], max_response=1000)
    for pack, headers in ((bytes, {}), (gzip.compress, {"Content_Encoding": "gzip"})):
        server.answers["/fits"] = response(200, pack(b"x" * 1000), "text/plain", **headers)
        server.answers["/over"] = response(200, pack(b"x" * 1001), "text/plain", **headers)
        server.answers["/error"] = response(500, pack(b"x" * 5001), "text/plain", **headers)
        assert (await call(client, url=f"{server.url}/fits")).output["body"] == "x" * 1000
        assert (await call(client, url=f"{server.url}/over")).type == "response_too_large"
        assert (await call(client, url=f"{server.url}/error")).type == "http_status"
    await client.aclose()


async def test_chunks_and_broken_lengths(server, call):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
    server.answers["/chunked"] = head + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"

    async def short(_request, writer):
        writer.write(head + b"Content-Length: 100\r\n\r\nabc")
        return False

    async def nothing(_request, _writer):
        return False

    async def nonsense(_request, writer):
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        return False

    server.answers |= {"/short": short, "/nothing": nothing, "/nonsense": nonsense}
    assert (await call(url=f"{server.url}/chunked")).output["body"] == "abcde"
    for path in ("/short", "/nothing", "/nonsense"):
        outcome = await call(url=server.url + path)
        assert (outcome.type, outcome.retryable) == ("connection_error", True), path
        assert len(outcome.message) > 20


async def test_nobody_listens(server, call):
    await server.__aexit__()
    outcome = await call(url=server.url)
    assert (outcome.type, outcome.retryable) == ("connection_error", True)
    outcome = await call(HttpClient(), url="http://nobody.invalid/")
    assert (outcome.type, outcome.retryable) == ("connection_error", True)


async def test_the_timeout_is_for_everything(server, call):
    async def trickle(_request, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async def silent(_request, _writer):
        await asyncio.sleep(60)

    server.answers |= {"/trickle": trickle, "/silent": silent, "/": response()}
    for path in ("/trickle", "/silent"):
        began = time.monotonic()
        outcome = await call(url=server.url + path, timeout=0.2)
        assert (outcome.type, outcome.retryable, outcome.source) == ("http_timeout", True, "node")
        assert time.monotonic() - began < 1
    assert isinstance(await call(url=server.url), Completed)


async def test_cancel_in_flight_closes_the_connection(server, call):
    arrived = asyncio.Event()

    async def silent(_request, _writer):
        arrived.set()
        await asyncio.sleep(0.3)

    server.answers |= {"/silent": silent, "/": response()}
    task = asyncio.create_task(call(url=f"{server.url}/silent"))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(server.disconnected.wait(), 2)
    assert isinstance(await call(url=server.url), Completed)


async def test_connections_are_used_again(server, call):
    server.answers |= {"/": response(200, b"1", JSON), "/bad": response(500, b"x" * 100)}
    for _ in range(10):
        await call(url=server.url)
        await call(url=f"{server.url}/bad")
    assert server.connections == 1
    await asyncio.gather(*(call(url=server.url) for _ in range(20)))
    assert server.connections <= 21


async def test_a_closed_idle_connection_is_not_used(server, call):
    async def last(_request, writer):
        writer.write(response())
        return False

    server.answers["/"] = last
    for _ in range(3):
        assert isinstance(await call(url=server.url), Completed)
        await asyncio.sleep(0.02)
    assert server.connections == 3


async def test_secrets_are_in_no_error(server, call):
    async def echo(request, writer):
        writer.write(response(400, json.dumps(request.headers).encode(), JSON))

    server.answers["/"] = echo
    for auth in (
        {"type": "bearer", "token": "hush-hush"},
        {"type": "basic", "username": "u", "password": "hush-hush"},
        {"type": "header", "name": "X-Key", "value": "hush-hush"},
    ):
        outcome = await call(url=server.url, auth=auth)
        assert isinstance(outcome, Failed)
        assert "hush" not in repr(outcome)
        assert "dTpodXNo" not in repr(outcome)
        assert "***" in outcome.details["body"]


async def test_the_list_of_allowed_addresses_is_checked():
    with pytest.raises(ConfigurationError, match=r"FLOWRUN_HTTP_ALLOW: '300\.1\.2\.3'"):
        await HttpClient(["300.1.2.3"]).start()


async def test_a_closed_client_opens_again(server, call, client):
    server.answers["/"] = response()
    await call(url=server.url)
    await client.aclose()
    assert isinstance(await call(url=server.url), Completed)
