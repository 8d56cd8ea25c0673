"""Test listeners: whoever waits here is shown the next request to a path, published or not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flowrun.domain.json import JsonObject
from flowrun.errors import ConflictError
from flowrun.triggers.paths import VARIABLE, pattern_segments, request_segments

MOST_PER_TENANT = 20


@dataclass(slots=True, eq=False)
class _Listener:
    """One who waits for a request."""

    pattern: list[str]
    methods: frozenset[str]
    """Empty for any."""
    shown: asyncio.Future[JsonObject]


class Listeners:
    """See `flowrun.ports.Listeners`."""

    def __init__(self) -> None:
        self._by_tenant: dict[str, list[_Listener]] = {}

    @contextmanager
    def listening(self, tenant_id: str, path: str, methods: frozenset[str]) -> Iterator[asyncio.Future[JsonObject]]:
        """See `flowrun.ports.Listeners.listening`."""
        waiting = self._by_tenant.setdefault(tenant_id, [])
        if len(waiting) >= MOST_PER_TENANT:
            raise ConflictError(f"{MOST_PER_TENANT} test listeners wait already; that is the limit")
        shown: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        listener = _Listener(pattern_segments(path)[0], methods, shown)
        waiting.append(listener)
        try:
            yield shown
        finally:
            waiting.remove(listener)
            if not waiting:
                self._by_tenant.pop(tenant_id, None)

    def waits(self, tenant_id: str, method: str, path: str) -> bool:
        """See `flowrun.ports.Listeners.waits`."""
        return bool(self._by_tenant) and bool(self._hearing(tenant_id, method, path))

    def show(self, tenant_id: str, method: str, path: str, request: JsonObject) -> None:
        """See `flowrun.ports.Listeners.show`."""
        for listener in self._hearing(tenant_id, method, path):
            listener.shown.set_result(request)

    def _hearing(self, tenant_id: str, method: str, path: str) -> list[_Listener]:
        waiting = self._by_tenant.get(tenant_id)
        segments = request_segments(path) if waiting else None
        if not waiting or segments is None:
            return []
        return [
            one
            for one in waiting
            if not one.shown.done() and (not one.methods or method in one.methods) and _fits(one.pattern, segments)
        ]


def _fits(pattern: list[str], segments: list[str]) -> bool:
    return len(pattern) == len(segments) and all(
        part in {VARIABLE, segment} for part, segment in zip(pattern, segments, strict=True)
    )
