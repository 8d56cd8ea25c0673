"""Who asks: the operator on the unix socket, or whom an API key belongs to."""

from __future__ import annotations

import re
import time
from collections import OrderedDict

from starlette.types import Scope

from flowrun.bus import OPERATOR, SYSTEM, Mediator, Principal
from flowrun.errors import UnauthenticatedError
from flowrun.ports import Clock
from flowrun.queries.find_key import FindKey, KeyRecord

LOCAL = "flowrun_local"
"""Set in `scope["state"]` for requests that came over the unix socket."""
_KEY = re.compile(r"fr_([0-9a-z]{4,32})_([0-9A-Za-z]{16,128})")
_KNOWN_SECONDS = 5.0
"""How long a key is believed without asking the database; a revoked one may work for so long in other processes."""
_MOST_KNOWN = 1_000
_NO_KEY = (
    "No API key was given. Send it as `Authorization: Bearer fr_…` (with the command line: FLOWRUN_KEY); "
    "`flowrun keys create` on the service's machine makes one."
)
_NOT_VALID = (
    "This API key is not valid: it is mistyped, was revoked or has expired. "
    "`flowrun keys list` on the service's machine shows the keys, `flowrun keys create` makes one."
)
"""The same whatever is wrong with it, so that nobody learns which keys there are."""


class Authenticator:
    """Tells the principal of a request."""

    def __init__(self, mediator: Mediator, clock: Clock) -> None:
        self._mediator = mediator
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, KeyRecord]] = OrderedDict()
        self._changes = 0
        """Counts what was forgotten: a key that was read before its revocation must not be remembered after it."""

    async def principal(self, scope: Scope) -> Principal:
        """Raises `UnauthenticatedError` when there is no valid key."""
        if scope.get("state", {}).get(LOCAL) is True:
            return OPERATOR
        key_id, secret = _credentials(scope)
        record = await self._record(key_id)
        if record is None or not record.opens_with(secret, self._clock.now()):
            raise UnauthenticatedError(_NOT_VALID)
        return Principal(f"key:{record.id}", record.tenant_id, record.scopes)

    def forget(self, key_id: str) -> None:
        """Ask the database anew: the key has changed."""
        self._changes += 1
        self._known.pop(key_id, None)

    async def _record(self, key_id: str) -> KeyRecord | None:
        known = self._known.get(key_id)
        if known is not None and time.monotonic() - known[0] < _KNOWN_SECONDS:
            return known[1]
        changes = self._changes
        record = await self._mediator.send(FindKey(key_id=key_id), SYSTEM)
        self._known.pop(key_id, None)
        if record is not None and changes == self._changes:
            self._known[key_id] = (time.monotonic(), record)
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return record


def _credentials(scope: Scope) -> tuple[str, str]:
    """The key's id and secret from the one `Authorization` header."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    sent = [value for name, value in headers if name == b"authorization"]
    if len(sent) != 1:
        raise UnauthenticatedError(_NO_KEY)
    scheme, _, credentials = sent[0].decode("latin-1").partition(" ")
    match = _KEY.fullmatch(credentials.strip())
    if scheme.lower() != "bearer" or match is None:
        raise UnauthenticatedError(_NOT_VALID)
    return match[1], match[2]
