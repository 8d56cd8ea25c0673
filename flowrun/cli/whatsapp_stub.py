"""A stand-in for the WhatsApp Cloud API on loopback: takes what is sent, and delivers what a customer writes."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from types import TracebackType
from typing import Any, Self

_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that came in to be sent on to a customer."""

    to: str
    text: str
    """Of a text message; of another kind its JSON."""
    body: dict[str, Any]


class WhatsAppStub:
    """Serves `POST /{version}/{phone number id}/messages` in threads of its own while it is entered.

    `noted` is called, in one of them, with each message that a real endpoint would send.
    """

    def __init__(self, noted: Callable[[Sent], None], *, port: int = 0, access_token: str | None = None) -> None:
        self.noted = noted
        self.access_token = access_token
        """Requests with another one are refused; None takes any."""
        self.numbers = count(1)
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.stub = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        """The `base_url` of a channel that is to talk to it."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str, authorization: str, raw: bytes) -> tuple[int, dict[str, Any]]:
        """Status and document for a request, in the words of the Cloud API."""
        if not path.rstrip("/").endswith("/messages"):
            return 404, _error(f"Unknown path components: {path}", 2500)
        token = authorization.removeprefix("Bearer ")
        if not token or (self.access_token is not None and not hmac.compare_digest(token, self.access_token)):
            return 401, _error("Invalid OAuth access token - Cannot parse access token", 190)
        try:
            body = json.loads(raw)
            sent = _message(body)
        except (ValueError, KeyError, TypeError) as error:
            return 400, _error(f"(#100) Invalid parameter: {error}", 100)
        self.noted(sent)
        contact = {"input": sent.to, "wa_id": sent.to.lstrip("+")}
        message = {"id": f"wamid.stub-{next(self.numbers)}"}
        return 200, {"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    stub: WhatsAppStub


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length) if length <= _LARGEST else b""
        status, document = self.server.stub.answer(self.path, self.headers.get("Authorization", ""), raw)
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        return


def customer_message(text: str, customer: str, number: str = "106540352242922") -> bytes:
    """A customer's message as Meta posts it; `number` is the id of the phone number that it was written to."""
    now = time.time()
    message_id = f"wamid.customer-{time.time_ns()}"
    message = {"from": customer, "id": message_id, "timestamp": str(int(now)), "type": "text", "text": {"body": text}}
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": number},
        "contacts": [{"profile": {"name": "Customer"}, "wa_id": customer}],
        "messages": [message],
    }
    entry = {"id": "102290129340398", "changes": [{"value": value, "field": "messages"}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def signature(body: bytes, app_secret: str) -> dict[str, str]:
    """The headers with which Meta sends a body."""
    digest = hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={digest}"}


def _message(body: Any) -> Sent:  # noqa: ANN401 - any JSON
    if body["messaging_product"] != "whatsapp":
        raise ValueError("messaging_product must be whatsapp")
    kind, to = str(body.get("type", "text")), str(body["to"])
    text = body["text"]["body"] if kind == "text" else json.dumps(body[kind], ensure_ascii=False)
    if not isinstance(text, str) or not text:
        raise ValueError("text.body must not be empty")
    return Sent(to, text, body)


def _error(message: str, code: int) -> dict[str, Any]:
    return {"error": {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "stub"}}
