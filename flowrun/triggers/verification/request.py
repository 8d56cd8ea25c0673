"""What a webhook's sender is judged by, and the checks that every scheme makes."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowrun.errors import FlowrunError

LONGEST_HEADER = 4096
"""Characters; nothing that signs or identifies a request is longer."""
MOST_SIGNATURES = 10
"""How many signatures one header may offer, so that hostile ones cost no more than honest ones."""
MISMATCH = "the signature doesn't match: another secret, or the body was changed on its way"
_SECONDS = re.compile(r"[0-9]{1,12}")
_VISIBLE = re.compile(r"[\x20-\x7e\x80-\xff]*")


class WebhookRefusedError(FlowrunError):
    """This webhook doesn't take requests from this sender: a message for the delivery log, never for the sender."""

    code = "unauthenticated"


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it came, before anything in it is believed."""

    body: bytes
    """As it was sent, not parsed and written again."""
    headers: Mapping[str, str]
    """By name in lower case, decoded as Latin-1; values of a repeated one joined by `, `."""
    query: Mapping[str, Any]
    now: int
    """Seconds since the epoch."""


def header(request: SignedRequest, name: str) -> str:
    """The header's value. Raises `WebhookRefusedError` when it is missing, far too long, or has control characters."""
    value = request.headers.get(name.lower())
    if not value:
        raise WebhookRefusedError(f"the header {name} is missing")
    if len(value) > LONGEST_HEADER or not _VISIBLE.fullmatch(value):
        raise WebhookRefusedError(f"the header {name} is malformed")
    return value


def header_bytes(text: str) -> bytes:
    """The bytes that were sent for a header's value. Raises `WebhookRefusedError` for what never was a header."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise WebhookRefusedError("a header holds what no header can") from None


def check_time(text: str, request: SignedRequest, tolerance: float) -> None:
    """Raise `WebhookRefusedError` unless the text is a time in seconds, at most `tolerance` seconds from now."""
    if not _SECONDS.fullmatch(text):
        raise WebhookRefusedError("the timestamp is malformed")
    off = abs(request.now - int(text))
    if off > tolerance:
        raise WebhookRefusedError(f"the timestamp is {off} s off; {tolerance:g} s are allowed")


def digest(secret: bytes, algorithm: str, *parts: bytes) -> bytes:
    """The HMAC of the parts one after the other; a large body is not copied for it."""
    code = hmac.new(secret, digestmod=algorithm)
    for part in parts:
        code.update(part)
    return code.digest()


def check_any(offered: Iterable[bytes], expected: Sequence[bytes], reason: str = MISMATCH) -> None:
    """Raise `WebhookRefusedError` unless something offered is expected; every pair is compared, in constant time."""
    found = False
    for one in offered:
        for other in expected:
            found |= hmac.compare_digest(one, other)
    if not found:
        raise WebhookRefusedError(reason)


def tolerance_of(params: Mapping[str, Any]) -> float:
    """The seconds by which a timestamp may differ from now; 300 unless the params say otherwise."""
    value = params.get("tolerance")
    return 300.0 if value is None else float(value)
