"""Encrypts every secret and every channel with the current key, so that older keys can be thrown away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from sqlalchemy import Column, Connection, RowMapping, select, tuple_, update

from flowrun.bus import Command, Principal, Scope
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import FlowrunError
from flowrun.persistence import tables as t
from flowrun.ports import Context

_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateSecrets(Command[JsonObject]):
    """Encrypt what was encrypted with an older key anew; `{rotated, rotated_channels, unreadable, key_id}`.

    `unreadable` names secrets as `tenant/name`, and channels as `tenant/channels/name`, whose key is not configured:
    they stay as they are.
    """

    scope: ClassVar[Scope] = Scope.ADMIN
    operator_only: ClassVar[bool] = True
    replayable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class _Kind:
    """A table with a row by tenant and name, and what is encrypted in it."""

    ciphertext: Column[bytes]
    reseal: Callable[[str, str, str, bytes], tuple[str, bytes]]
    shown: str
    """How an unreadable row is named."""


async def handle(_message: RotateSecrets, context: Context, _principal: Principal) -> JsonObject:
    """Go through all rows, a page in each transaction; when it breaks off, what was done stays done."""
    secrets = _Kind(t.secrets.c.ciphertext, context.secrets.resealed, "{}/{}")
    channels = _Kind(t.channels.c.credentials, context.channels.resealed, "{}/channels/{}")
    unreadable: list[JsonValue] = []
    rotated = await _rotate(secrets, context, unreadable)
    rotated_channels = await _rotate(channels, context, unreadable)
    return {
        "rotated": rotated,
        "rotated_channels": rotated_channels,
        "unreadable": unreadable,
        "key_id": context.secrets.current_key,
    }


async def _rotate(kind: _Kind, context: Context, unreadable: list[JsonValue]) -> int:
    rotated, after = 0, ("", "")
    while page := await _page(kind, context, after):
        after = (page[-1]["tenant_id"], page[-1]["name"])
        changes = []
        for row in page:
            key = (row["tenant_id"], row["name"])
            try:
                changes.append((row, kind.reseal(*key, row["key_id"], row[kind.ciphertext.name])))
            except FlowrunError:
                unreadable.append(kind.shown.format(*key))
        rotated += await context.writer.transact(partial(_store, kind, changes))
    return rotated


async def _page(kind: _Kind, context: Context, after: tuple[str, str]) -> Sequence[RowMapping]:
    table = kind.ciphertext.table
    key = tuple_(table.c.tenant_id, table.c.name)
    older = table.c.key_id != context.secrets.current_key
    columns = (table.c.tenant_id, table.c.name, table.c.key_id, kind.ciphertext)
    return await context.reader.all(
        select(*columns).where(older, key > after).order_by(table.c.tenant_id, table.c.name).limit(_PAGE)
    )


def _store(kind: _Kind, changes: list[tuple[RowMapping, tuple[str, bytes]]], connection: Connection) -> int:
    table, count = kind.ciphertext.table, 0
    for row, (key_id, ciphertext) in changes:
        # What was set anew meanwhile has the current key already, and must not get its old value back.
        same = (
            table.c.tenant_id == row["tenant_id"],
            table.c.name == row["name"],
            kind.ciphertext == row[kind.ciphertext.name],
        )
        values = {"key_id": key_id, kind.ciphertext.name: ciphertext}
        count += connection.execute(update(table).where(*same).values(**values)).rowcount
    return count
