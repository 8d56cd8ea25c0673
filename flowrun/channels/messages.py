"""What `to` and `message` of a delivery have to be before a provider is asked."""

from __future__ import annotations

from hashlib import sha256

from flowrun.channels.base import Delivery, UnsendableError
from flowrun.domain.json import JsonObject


def needs_to(delivery: Delivery, what: str) -> str:
    """The recipient. Raises `UnsendableError` when there is none."""
    if not delivery.to:
        raise UnsendableError(f"`to` is missing: {what}")
    return delivery.to


def delivery_id(delivery: Delivery) -> str:
    """An id that every attempt has, for receivers: it holds no dots, which would blur what is signed."""
    return "msg_" + sha256(delivery.idempotency_key.encode()).hexdigest()[:32]


def text_or_object(delivery: Delivery, longest: int) -> str | JsonObject:
    """The message: a text of at most `longest` characters, or an object of the provider's.

    Numbers and booleans are written as texts. Raises `UnsendableError`.
    """
    message = delivery.message
    if isinstance(message, dict) and message:
        return message
    if isinstance(message, dict | list) or message is None or message == "":
        raise UnsendableError("`message` must be a text, or an object that isn't empty")
    text = ("true" if message else "false") if isinstance(message, bool) else str(message)
    if len(text) > longest:
        raise UnsendableError(f"`message` has {len(text):,} characters; this channel takes {longest:,}")
    return text


def only_text(delivery: Delivery, longest: int) -> str:
    """The message as a text; an object may have it as `text`. Raises `UnsendableError`."""
    message = text_or_object(delivery, longest)
    if isinstance(message, str):
        return message
    text = message.get("text")
    if not isinstance(text, str) or not text or len(message) > 1:
        raise UnsendableError("`message` must be a text, or an object with `text` alone")
    if len(text) > longest:
        raise UnsendableError(f"`message` has {len(text):,} characters; this channel takes {longest:,}")
    return text
