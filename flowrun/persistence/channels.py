"""The channels of tenants: encrypted rows, and those that were used last."""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import Any

from sqlalchemy import func, select

from flowrun.domain.json import JsonObject
from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t
from flowrun.persistence.encryption import Keyring, Sealed, UndecryptableError
from flowrun.persistence.json_text import dump, load
from flowrun.ports import Reader, StoredChannel

__all__ = ["ChannelStore", "StoredChannel"]

_log = logging.getLogger(__name__)

_PLACE = "channel"
_MOST_KNOWN = 1_000


class ChannelStore:
    """See `flowrun.ports.Channels`."""

    def __init__(self, reader: Reader, keyring: Keyring) -> None:
        self._reader = reader
        self._keyring = keyring
        self._known: OrderedDict[tuple[str, str], StoredChannel] = OrderedDict()
        self._changes = 0
        """Counts what was forgotten: a row that was read before a change must not be remembered after it."""

    async def get(self, tenant_id: str, name: str) -> StoredChannel:
        """See `flowrun.ports.Channels.get`."""
        known = self._known.get((tenant_id, name))
        if known is not None:
            self._known.move_to_end((tenant_id, name))
            return known
        changes, table = self._changes, t.channels
        row = await self._reader.first(select(table).where(table.c.tenant_id == tenant_id, table.c.name == name))
        if row is None:
            raise NotFoundError(f"There is no channel {name}: set it with `flowrun channels set {name}`")
        channel = StoredChannel(
            id=row["id"],
            tenant_id=tenant_id,
            type=row["type"],
            name=name,
            status=row["status"],
            status_reason=row["status_reason"],
            credentials=self._opened(tenant_id, name, row["key_id"], row["credentials"]),
        )
        if changes == self._changes:
            self._known[tenant_id, name] = channel
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return channel

    def sealed(self, tenant_id: str, name: str, credentials: JsonObject) -> tuple[str, bytes]:
        """See `flowrun.ports.Channels.sealed`."""
        sealed = self._keyring.seal(dump(credentials), _PLACE, tenant_id, name)
        return sealed.key_id, sealed.ciphertext

    def resealed(self, tenant_id: str, name: str, key_id: str, ciphertext: bytes) -> tuple[str, bytes]:
        """See `flowrun.ports.Channels.resealed`."""
        return self.sealed(tenant_id, name, self._opened(tenant_id, name, key_id, ciphertext))

    def forget(self, tenant_id: str, name: str) -> None:
        """See `flowrun.ports.Channels.forget`."""
        self._changes += 1
        self._known.pop((tenant_id, name), None)

    async def report_lost(self) -> None:
        """Log an error for each key that channels were encrypted with and that isn't configured."""
        table = t.channels
        rows = await self._reader.all(select(table.c.key_id, func.count().label("count")).group_by(table.c.key_id))
        for row in rows:
            if row["key_id"] not in self._keyring:
                message = (
                    "%d channels cannot be decrypted: they were encrypted with the key %s, which is not configured"
                )
                _log.error(message, row["count"], row["key_id"])

    def _opened(self, tenant_id: str, name: str, key_id: str, ciphertext: bytes) -> JsonObject:
        try:
            text = self._keyring.open(Sealed(key_id, ciphertext), _PLACE, tenant_id, name)
        except UndecryptableError as error:
            raise UndecryptableError(f"The channel {name} cannot be decrypted. {error}") from None
        credentials: Any = load(text)
        return dict(credentials)
