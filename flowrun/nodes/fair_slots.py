"""A number of places that tenants take in turn, and of which none has them all."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager


class FairSlots:
    """Places for what is costly, over all tenants; a tenant that has one can't take the last that is free."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._taken: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def place(self, tenant_id: str, waiting: Callable[[], AbstractContextManager[None]]) -> AsyncIterator[None]:
        """Have a place for as long as the block lasts; `waiting` is around the time until there is one."""
        if tenant_id not in self._waiting and self._may_have(tenant_id):
            self._take(tenant_id)
        else:
            with waiting():
                await self._wait(tenant_id)
        try:
            yield
        finally:
            self._give_back(tenant_id)

    def _may_have(self, tenant_id: str) -> bool:
        return self._free > 1 or (self._free == 1 and not self._taken[tenant_id])

    def _take(self, tenant_id: str) -> None:
        self._free -= 1
        self._taken[tenant_id] += 1

    def _give_back(self, tenant_id: str) -> None:
        self._free += 1
        self._taken[tenant_id] -= 1
        if not self._taken[tenant_id]:
            del self._taken[tenant_id]
        self._hand_on()

    async def _wait(self, tenant_id: str) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant_id, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back(tenant_id)  # It came in the same moment.
            else:
                self._forget(tenant_id, turn)
            raise

    def _forget(self, tenant_id: str, turn: asyncio.Future[None]) -> None:
        turns = self._waiting[tenant_id]
        turns.remove(turn)
        if not turns:
            del self._waiting[tenant_id]

    def _hand_on(self) -> None:
        """Give what is free to those who wait, one of each tenant in turn."""
        for tenant_id in list(self._waiting):
            if not self._may_have(tenant_id):
                continue
            turns = self._waiting.pop(tenant_id)
            self._take(tenant_id)
            turns.popleft().set_result(None)
            if turns:
                self._waiting[tenant_id] = turns  # Behind the others.
