"""The secrets of tenants: encrypted rows, and the values of the last ones used."""

from __future__ import annotations

import logging
from collections import OrderedDict

from sqlalchemy import func, select

from flowrun.errors import NotFoundError
from flowrun.persistence import tables as t
from flowrun.persistence.encryption import Keyring, Sealed, UndecryptableError
from flowrun.ports import Reader

_log = logging.getLogger(__name__)

_PLACE = "secret"
_MOST_KNOWN = 1_000


class SecretStore:
    """See `flowrun.ports.Secrets`."""

    def __init__(self, reader: Reader, keyring: Keyring) -> None:
        self._reader = reader
        self._keyring = keyring
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._changes = 0
        """Counts what was forgotten: a value that was read before a change must not be remembered after it."""

    async def value(self, tenant_id: str, name: str) -> str:
        """See `flowrun.ports.Secrets.value`."""
        known = self._known.get((tenant_id, name))
        if known is not None:
            self._known.move_to_end((tenant_id, name))
            return known
        changes, table = self._changes, t.secrets
        query = select(table.c.key_id, table.c.ciphertext).where(table.c.tenant_id == tenant_id, table.c.name == name)
        row = await self._reader.first(query)
        if row is None:
            raise NotFoundError(f"There is no secret {name}")
        try:
            value = self._keyring.open(Sealed(row["key_id"], row["ciphertext"]), _PLACE, tenant_id, name)
        except UndecryptableError as error:
            raise UndecryptableError(f"The secret {name} cannot be decrypted. {error}") from None
        if changes == self._changes:
            self._known[tenant_id, name] = value
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return value

    def sealed(self, tenant_id: str, name: str, value: str) -> tuple[str, bytes]:
        """See `flowrun.ports.Secrets.sealed`."""
        sealed = self._keyring.seal(value, _PLACE, tenant_id, name)
        return sealed.key_id, sealed.ciphertext

    def resealed(self, tenant_id: str, name: str, key_id: str, ciphertext: bytes) -> tuple[str, bytes]:
        """See `flowrun.ports.Secrets.resealed`."""
        return self.sealed(tenant_id, name, self._keyring.open(Sealed(key_id, ciphertext), _PLACE, tenant_id, name))

    @property
    def current_key(self) -> str:
        """See `flowrun.ports.Secrets.current_key`."""
        return self._keyring.current

    def forget(self, tenant_id: str, name: str) -> None:
        """See `flowrun.ports.Secrets.forget`."""
        self._changes += 1
        self._known.pop((tenant_id, name), None)

    async def report_lost(self) -> None:
        """Log an error for each key that secrets were encrypted with and that isn't configured."""
        table = t.secrets
        rows = await self._reader.all(select(table.c.key_id, func.count().label("count")).group_by(table.c.key_id))
        for row in rows:
            if row["key_id"] not in self._keyring:
                message = "%d secrets cannot be decrypted: they were encrypted with the key %s, which is not configured"
                _log.error(message, row["count"], row["key_id"])
