"""A command that is sent twice with one idempotency key is done once, and answered alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select

from flowrun.bus import Command, Handler, Principal
from flowrun.domain.json import JsonObject
from flowrun.errors import ConflictError, FlowrunError
from flowrun.persistence import tables as t
from flowrun.persistence.json_text import dump, load
from flowrun.ports import Context

KEPT_MS = 24 * 3600 * 1000
"""How long a key is remembered."""
_NO_CONTENT = frozenset({"idempotency_key", "notify"})
"""Fields that say how a command is sent, not what is asked."""


class IdempotencyKeyReusedError(FlowrunError):
    """This idempotency key was used for another request."""

    code = "idempotency_key_reused"


class KeyInFlightError(ConflictError):
    """The first request with this idempotency key is still being worked on."""


_IN_FLIGHT: set[tuple[int, str, str, str]] = set()
"""The keys that are being worked on; the context's identity keeps two services in one process apart."""


async def idempotent(message: Command[Any], principal: Principal, call: Handler, context: Context) -> Any:  # noqa: ANN401
    """The middleware: answer a repeated command as the first time, pass everything else on.

    It goes after authorisation, as an answer is given only to who might have asked. An answer is kept in a
    transaction after the command's own. A command whose repetition would do harm (starting twice) sets
    `keeps_own_answer` and writes it together with its effect, by `remember`.
    """
    if message.idempotency_key is None:
        return await call(message, context, principal)
    key = (id(context), *_key(message))
    if key in _IN_FLIGHT:
        raise KeyInFlightError
    _IN_FLIGHT.add(key)
    try:
        return await _once(message, principal, call, context)
    finally:
        _IN_FLIGHT.discard(key)


async def _once(message: Command[Any], principal: Principal, call: Handler, context: Context) -> Any:  # noqa: ANN401
    table, now = t.idempotency_keys, context.clock.now()
    row = await context.reader.first(
        select(table.c.request_hash, table.c.response).where(*_where(_key(message)), table.c.created_at > now - KEPT_MS)
    )
    if row is not None:
        if row["request_hash"] != content_hash(message):
            raise IdempotencyKeyReusedError
        return load(row["response"])
    answer = await call(message, context, principal)
    if not getattr(message, "keeps_own_answer", False):
        also = remember(message, _storable(message, answer), now)
        if also is not None:
            await context.writer.transact(also)
    return answer


def remember(message: Command[Any], answer: JsonObject, now: int) -> Callable[[Connection], None] | None:
    """A change that keeps the answer under the message's key; None when it has none."""
    if message.idempotency_key is None:
        return None
    return keep_answer(_key(message), content_hash(message), answer, now)


def keep_answer(key: tuple[str, str, str], digest: bytes, answer: JsonObject, now: int) -> Callable[[Connection], None]:
    """A change that keeps an answer under `(tenant, scope, key)` unless the key is in use.

    The change raises `KeyTakenError` with the earlier answer when it is.
    """

    def change(connection: Connection) -> None:
        table = t.idempotency_keys
        # Looking before writing: a broken constraint would spoil the whole group of transactions.
        row = connection.execute(select(table.c.response, table.c.created_at).where(*_where(key))).first()
        if row is not None and row.created_at > now - KEPT_MS:
            raise KeyTakenError(load(row.response))
        if row is not None:
            connection.execute(delete(table).where(*_where(key)))
        tenant_id, scope, text = key
        values = {"request_hash": digest, "response": dump(answer), "created_at": now}
        connection.execute(insert(table).values(tenant_id=tenant_id, scope=scope, key=text, **values))

    return change


class KeyTakenError(ConflictError):
    """This idempotency key was used a moment ago by another process."""

    def __init__(self, answer: JsonObject) -> None:
        super().__init__()
        self.answer = answer


def content_hash(message: Command[Any]) -> bytes:
    """SHA-256 of what is asked: without the key itself, and without `computed_fields`, whose source is a field too."""
    computed: frozenset[str] = getattr(message, "computed_fields", frozenset())
    names = [f.name for f in fields(message) if f.name not in _NO_CONTENT | computed]
    content = {name: getattr(message, name) for name in names}
    return sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()


def _key(message: Command[Any]) -> tuple[str, str, str]:
    tenant_id = getattr(message, "tenant_id", None) or ""
    return (tenant_id, f"command:{type(message).__name__}", message.idempotency_key or "")


def _where(key: tuple[str, str, str]) -> tuple[Any, ...]:
    table = t.idempotency_keys
    return tuple(
        column == value for column, value in zip((table.c.tenant_id, table.c.scope, table.c.key), key, strict=True)
    )


def _storable(message: Command[Any], answer: JsonObject) -> JsonObject:
    """A secret is shown once, and never stored."""
    secret: frozenset[str] = getattr(message, "secret_fields", frozenset())
    return {name: None if name in secret else value for name, value in answer.items()} if secret else answer
