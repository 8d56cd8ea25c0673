"""Connections that clients keep: a refusal must not cost them the next request."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from e2e.client import is_problem
from support import plain_http

UNREAD = {
    "no-key": ("POST /api/v1/tenants/default/workflows/w/executions", 401),
    "no-webhook": ("POST /webhooks/default/nowhere", 404),
    "no-route": ("POST /api/v2/nothing", 404),
    "wrong-method": ("PUT /healthz", 405),
    "body-of-a-get": ("GET /healthz", 200),
}
"""What is answered without a look at the body."""


@contextmanager
def connection(service) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", service.port), 10) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield sock


def head(request: str, length: int) -> bytes:
    lines = (f"{request} HTTP/1.1", "Host: x", f"Content-Length: {length}", "Content-Type: application/json", "", "")
    return "\r\n".join(lines).encode()


def answer(sock: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the next answer on the connection."""
    with sock.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        lines = iter(lambda: stream.readline().decode().strip(), "")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return status, headers, stream.read(int(headers["content-length"]))


@pytest.mark.parametrize(("request_line", "status"), UNREAD.values(), ids=UNREAD)
def test_a_body_that_comes_after_its_head_is_taken_off_the_connection(service, request_line, status):
    with connection(service) as sock:
        sock.sendall(head(request_line, 10))
        sock.settimeout(0.15)
        with pytest.raises(TimeoutError):
            sock.recv(1)  # An answer now would end in a closed connection.
        sock.settimeout(10)
        sock.sendall(b'{"input": ')
        assert answer(sock)[0] == status
        sock.sendall(head("GET /healthz", 0))
        found, _, body = answer(sock)
        assert (found, json.loads(body)) == (200, {"status": "ok"})


@pytest.mark.parametrize("length", [10, 1 << 20], ids=["slow", "large"])
def test_a_body_that_does_not_come_is_not_waited_for_and_the_answer_says_that_the_connection_closes(service, length):
    with connection(service) as sock:
        sock.sendall(head(UNREAD["no-key"][0], length))
        status, headers, _ = answer(sock)
        assert (status, headers["connection"]) == (401, "close")
        assert sock.recv(1) == b""


def test_a_body_that_is_too_large_is_refused_every_time_and_no_connection_hangs(api, service):
    webhook = {"id": "in", "type": "webhook", "params": {"path": "in", "auth": "none"}}
    api.save({"id": "w", "nodes": [webhook]})
    for _ in range(20):
        with plain_http.client(service.url, timeout=5) as client:
            is_problem(client.post("/webhooks/default/in", content=b"a" * (8 << 20)), 413, "too-large")


def test_a_refused_body_leaves_the_connection_usable(service):
    with connection(service) as sock:
        for _ in range(20):
            sock.sendall(head(UNREAD["no-key"][0], 7))
            sock.sendall(b'{"a":1}')
            assert answer(sock)[0] == 401


def test_nobody_is_led_away_from_http1(service):
    """hypercorn keeps a stream of HTTP/2 for ever whose body nobody reads."""
    with connection(service) as sock:
        sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0)))
        with sock.makefile("rb") as stream:
            assert stream.readline().startswith(b"HTTP/1.1 4")
    with connection(service) as sock:
        sock.sendall(
            b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
        )
        assert answer(sock)[0] == 200


@pytest.mark.parametrize("request_first", [False, True])
def test_connections_that_clients_have_closed_are_let_go(service, request_first):
    def held() -> int:
        return len(list(Path(f"/proc/{service.process.pid}/fd").iterdir()))

    before = held()
    for _ in range(40):
        with connection(service) as sock:
            if request_first:
                sock.sendall(head("GET /healthz", 0))
                assert answer(sock)[0] == 200
    deadline = time.monotonic() + 10
    while held() > before + 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert held() <= before + 5
