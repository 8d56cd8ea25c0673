"""A small HTTP server on a unix socket that stands in for the service, and a way to run commands against it."""

from __future__ import annotations

import json
import os
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flowrun.cli.main import cli

Answer = tuple[int, object]


class StandIn:
    """Answers what it was told to answer, and remembers what it was asked."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.answers: dict[tuple[str, str], list[Answer]] = {}
        self.asked: list[dict] = []

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """Answer these one after the other; the last one for ever."""
        self.answers[method, path] = list(answers)

    def answer(self, request: dict) -> tuple[int, object]:
        self.asked.append(request)
        left = self.answers.get((request["method"], request["path"]))
        if not left:
            return 404, {"type": "not-found", "detail": f"no {request['path']}"}
        return left.pop(0) if len(left) > 1 else left[0]


class _Handler(BaseHTTPRequestHandler):
    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        path, _, query = self.path.partition("?")
        request = {
            "method": self.command,
            "path": path,
            "query": query,
            "headers": dict(self.headers.items()),
            "body": self.rfile.read(length),
        }
        status, document = self.server.stand_in.answer(request)
        content = (document if isinstance(document, str) else json.dumps(document)).encode()
        self.send_response(status)
        if status == HTTPStatus.NO_CONTENT:  # What follows would be read by nobody, who may be gone.
            content = b""
        else:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the names that http.server looks for

    def address_string(self) -> str:
        return "socket"

    def log_message(self, *_: object) -> None:
        return


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    stand_in: StandIn


@pytest.fixture
def socket_path() -> Iterator[Path]:
    # Not tmp_path: the name of a test may make it too long for a socket.
    with tempfile.TemporaryDirectory(prefix="fr-") as directory:
        yield Path(directory) / "flowrun.sock"


@pytest.fixture
def service(socket_path: Path) -> Iterator[StandIn]:
    with _Server(str(socket_path), _Handler) as server:
        server.stand_in = StandIn(socket_path)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.stand_in
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def environment(monkeypatch, socket_path, tmp_path):
    """Let no variable of whoever runs the tests reach the commands."""
    for name in [name for name in os.environ if name.startswith("FLOWRUN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FLOWRUN_SOCKET", str(socket_path))
    return monkeypatch


@pytest.fixture
def run() -> Callable[..., Result]:
    def call(*args: str, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(cli, args, input=stdin, prog_name="flowrun")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        return result

    return call
