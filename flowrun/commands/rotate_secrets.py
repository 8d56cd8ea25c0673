"""Encrypts every secret with the current key, so that older keys can be thrown away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from sqlalchemy import Connection, RowMapping, select, tuple_, update

from flowrun.bus import Command, Principal, Scope
from flowrun.domain.json import JsonObject
from flowrun.errors import FlowrunError
from flowrun.persistence import tables as t
from flowrun.ports import Context

_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateSecrets(Command[JsonObject]):
    """Encrypt what was encrypted with an older key anew; `{rotated, unreadable, key_id}`.

    `unreadable` names secrets as `tenant/name` whose key is not configured: they stay as they are.
    """

    scope: ClassVar[Scope] = Scope.ADMIN
    operator_only: ClassVar[bool] = True
    replayable: ClassVar[bool] = False


async def handle(_message: RotateSecrets, context: Context, _principal: Principal) -> JsonObject:
    """Go through all secrets, a page in each transaction; when it breaks off, what was done stays done."""
    rotated, after = 0, ("", "")
    unreadable: list[Any] = []
    while page := await _page(context, after):
        after = (page[-1]["tenant_id"], page[-1]["name"])
        changes = []
        for row in page:
            key = (row["tenant_id"], row["name"])
            try:
                changes.append((row, context.secrets.resealed(*key, row["key_id"], row["ciphertext"])))
            except FlowrunError:
                unreadable.append("/".join(key))
        rotated += await context.writer.transact(partial(_store, changes))
    return {"rotated": rotated, "unreadable": unreadable, "key_id": context.secrets.current_key}


async def _page(context: Context, after: tuple[str, str]) -> Sequence[RowMapping]:
    table = t.secrets
    key = tuple_(table.c.tenant_id, table.c.name)
    older = table.c.key_id != context.secrets.current_key
    return await context.reader.all(
        select(table).where(older, key > after).order_by(table.c.tenant_id, table.c.name).limit(_PAGE)
    )


def _store(changes: list[tuple[RowMapping, tuple[str, bytes]]], connection: Connection) -> int:
    table, count = t.secrets, 0
    for row, (key_id, ciphertext) in changes:
        # A secret that was set anew meanwhile has the current key already, and must not get its old value back.
        same = (
            table.c.tenant_id == row["tenant_id"],
            table.c.name == row["name"],
            table.c.ciphertext == row["ciphertext"],
        )
        count += connection.execute(update(table).where(*same).values(key_id=key_id, ciphertext=ciphertext)).rowcount
    return count
