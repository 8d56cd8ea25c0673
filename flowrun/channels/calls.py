"""One call of a provider's API: JSON there, and back whatever came, with what is common to all failures."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from flowrun import __version__
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import Completed, Failed
from flowrun.nodes.http_body import excerpt
from flowrun.nodes.http_call import retry_after
from flowrun.nodes.http_client import HttpClient, HttpRequest, HttpResponse

EXCERPT = 500
"""Characters of an answer that is no JSON which its error shows."""
TIMEOUT = 30.0
"""Seconds for one call."""
_RETRYABLE = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered."""

    status: int
    headers: Mapping[str, str]
    document: JsonValue
    """None when the body is no JSON."""
    text: str
    """The body's beginning."""

    @property
    def ok(self) -> bool:
        """Whether the status is a success."""
        return 200 <= self.status < 300

    @property
    def fields(self) -> dict[str, Any]:
        """The document, if it is an object."""
        return self.document if isinstance(self.document, dict) else {}

    def part(self, name: str) -> dict[str, Any]:
        """An object within the document; empty when there is none."""
        found = self.fields.get(name)
        return found if isinstance(found, dict) else {}

    @property
    def wait(self) -> float | None:
        """Seconds that `Retry-After` asks for."""
        return retry_after(self.headers.get("retry-after"), time.time())


async def call(
    http: HttpClient,
    method: str,
    url: str,
    body: JsonValue = None,
    *,
    headers: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT,
) -> Answer:
    """Send a request with a JSON body. Redirects are not followed: no provider's API asks for that.

    Raises `HttpError` when there is no answer.
    """
    content = b"" if body is None else orjson.dumps(body)
    return await post_bytes(http, method, url, content, headers=headers, timeout=timeout)


async def post_bytes(
    http: HttpClient,
    method: str,
    url: str,
    content: bytes,
    *,
    headers: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT,
) -> Answer:
    """Send JSON that is written already: what was signed must not be written again."""
    own = {"user-agent": f"flowrun/{__version__}", "accept": "application/json"}
    if content:
        own["content-type"] = "application/json; charset=utf-8"
    request = HttpRequest(method, url, own | dict(headers or {}), content, timeout=timeout, follow_redirects=False)
    return _answer(await http.send(request))


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"authorization": f"Bearer {token}"}


def sent(message_id: object, response: JsonValue) -> Completed:
    """The outcome of a message that the provider took."""
    return Completed({"message_id": None if message_id is None else str(message_id), "response": response})


def failed(answer: Answer, message: str, details: JsonObject | None = None) -> Failed:
    """The failure that a status tells of by itself, where the provider's own codes say nothing better."""
    kind = _by_status(answer.status)
    shown = details if details is not None else _shown(answer)
    return Failed(
        kind,
        message,
        retryable=answer.status in _RETRYABLE or answer.status >= 500,
        details={"status": answer.status, **shown},
        retry_after=answer.wait,
    )


def unreadable(answer: Answer, provider: str) -> Failed:
    """The failure of a success that doesn't look like one: what became of the message isn't known."""
    message = f"{provider} answered with the status {answer.status}, but not with what it documents"
    # Nothing says that the message was not sent, so it must not be sent again.
    return Failed("invalid_answer", message, details={"status": answer.status, **_shown(answer)})


def _by_status(status: int) -> str:
    if status == 429:
        return "rate_limited"
    if status >= 500 or status in _RETRYABLE:
        return "provider_unavailable"
    return "channel_unauthorized" if status in {401, 403} else "message_rejected"


def _shown(answer: Answer) -> JsonObject:
    return {"body": answer.text}


def _answer(response: HttpResponse) -> Answer:
    try:
        document = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        document = None
    text = excerpt(response.body, response.headers.get("content-type", ""), EXCERPT)
    return Answer(response.status, response.headers, document, text)
