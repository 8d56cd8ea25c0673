"""Any HMAC over the body, in any header: for senders that have no scheme of their own here."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from flowrun.triggers.verification.request import (
    SignedRequest,
    WebhookRefusedError,
    check_any,
    check_time,
    digest,
    header,
    header_bytes,
    tolerance_of,
)


def verify(request: SignedRequest, secrets: Sequence[bytes], params: Mapping[str, Any]) -> None:
    """Raise `WebhookRefusedError` unless the header holds the signature.

    Params: `header`; `algorithm` (`sha1`, `sha256`, `sha512`), `encoding` (`hex`, `base64`), `prefix` (of the
    header's value), `timestamp_header`, `tolerance` in seconds, `payload`: what is signed, with the places
    `{timestamp}` and `{body}`.
    """
    given = header(request, str(params["header"]))
    prefix = str(params.get("prefix") or "")
    if not given.startswith(prefix):
        raise WebhookRefusedError(f"the header {params['header']} doesn't begin with {prefix}")
    timestamp = b""
    if params.get("timestamp_header"):
        text = header(request, str(params["timestamp_header"]))
        check_time(text, request, tolerance_of(params))
        timestamp = text.encode()
    template = str(params.get("payload") or ("{timestamp}.{body}" if timestamp else "{body}"))
    before, _, after = template.partition("{body}")
    parts = (_filled(before, timestamp), request.body, _filled(after, timestamp))
    algorithm = str(params.get("algorithm") or "sha256")
    expected: list[bytes] = []
    for secret in secrets:
        expected += _spellings(digest(secret, algorithm, *parts), str(params.get("encoding") or "hex"))
    check_any([header_bytes(given[len(prefix) :])], expected)


def _filled(template: str, timestamp: bytes) -> bytes:
    return template.encode().replace(b"{timestamp}", timestamp)


def _spellings(signature: bytes, encoding: str) -> list[bytes]:
    """The texts that stand for a signature; hexadecimal is written in small letters or in capitals, never mixed."""
    if encoding == "base64":
        return [base64.b64encode(signature)]
    text = signature.hex()
    return [text.encode(), text.upper().encode()]
