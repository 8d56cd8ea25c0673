"""Keeps the store up to date: the stream of what changes, the figures, and a new connection when one breaks."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import orjson

from tui.client import RefusedError, UnreachableError
from tui.connection import Connection
from tui.page import Page
from tui.service import Service
from tui.sse import ServerEvent
from tui.store import Store

STATS_SECONDS = 2.0


class StreamEndedError(Exception):
    """The service has closed the stream, saying why."""


class Feed:
    """Reads the service for as long as it is awaited; screens ask it to read more."""

    def __init__(self, service: Service, store: Store, connection: Connection, tenant: str | None) -> None:
        self.service = service
        self.store = store
        self.connection = connection
        self.wanted_tenant = tenant
        self.clock: Callable[[], float] = time.monotonic
        self.last_id: str | None = None
        self.primed = asyncio.Event()
        """Set once everything was read for the first time."""
        self.operator = True
        """Whether the key opens every tenant."""
        self.resynced = 0
        """How often everything had to be read anew."""
        self.on_resync: Callable[[], Coroutine[Any, Any, None]] | None = None
        """Called after the lists were read anew, to read what else is shown."""
        self._again = asyncio.Event()

    async def run(self) -> None:
        """Connect, read until it breaks, and again, for ever."""
        local = self.service.client.place.url is None
        while True:
            try:
                await self._session()
            except (UnreachableError, StreamEndedError) as error:
                self.connection.lost(str(error))
            except RefusedError as error:
                self.connection.lost(error.detail, refused=error.status in {401, 403, 404})
            except (KeyError, TypeError, ValueError):
                self.connection.lost("what answers there speaks no language of this dashboard")
            self.store.touch("connection")
            spread = random.uniform(0.7, 1.3)  # noqa: S311 - keeps clients apart, keeps no secret
            await self._pause(self.connection.pause(local=local) * spread)

    def reconnect(self) -> None:
        """Try again now."""
        self._again.set()

    async def _pause(self, seconds: float) -> None:
        self._again.clear()
        try:
            await asyncio.wait_for(self._again.wait(), seconds)
        except TimeoutError:
            return

    async def _session(self) -> None:
        """One connection: the stream beside the figures. Whichever breaks first ends both."""
        tasks = {asyncio.create_task(self._stream()), asyncio.create_task(self._figures())}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # --- the stream

    async def _stream(self) -> None:
        events = self.service.client.events("/api/v1/stream", last_id=self.last_id, heard=self._heard)
        async with aclosing(events):
            async for several in events:
                for event in several:
                    if event.name == "execution":  # In a flood there are hundreds.
                        self.store.put_execution(orjson.loads(event.data))
                        self.last_id = event.id
                    else:
                        await self._take(event)
        raise StreamEndedError("the stream has ended")

    def _opened(self) -> None:
        self.connection.open(self.clock())
        self.store.touch("connection")

    def _heard(self) -> None:
        self.connection.heard(self.clock())

    async def _take(self, event: ServerEvent) -> None:
        data = orjson.loads(event.data)
        match event.name:
            case "ready":
                self._opened()
                await (self._read_what_lacks() if data.get("resumed") else self.read_everything())
            case "resync":
                self._opened()
                self.resynced += 1
                await self.read_everything()
            case "changed":
                await self._changed(str(data.get("kind")), str(data.get("tenant_id")), str(data.get("id")))
            case "end":
                raise StreamEndedError(f"the service says: {data.get('reason')}")
        if event.id is not None:
            self.last_id = event.id

    async def _changed(self, kind: str, tenant: str, name: str) -> None:
        if kind == "tenant":
            await self.read_tenants()
        elif kind == "execution":
            self.store.remove_execution(name)
        elif tenant == self.store.tenant and kind == "workflow":
            await self.read_workflows()
            await self.read_schedules()
        elif tenant == self.store.tenant and kind == "schedule":
            await self.read_schedules()

    async def _figures(self) -> None:
        """Ask for the figures for ever: they are a sign of life, too."""
        while True:
            await self.read_stats()
            await asyncio.sleep(STATS_SECONDS)

    # --- what is read

    async def read_everything(self) -> None:
        """Read every list anew."""
        if not self.store.operations:
            self.store.operations = await self.service.operations()
        await self.read_stats()
        await self.read_tenants()
        await self.read_tenant()
        if self.on_resync is not None:
            await self.on_resync()
        self.primed.set()

    async def _read_what_lacks(self) -> None:
        """After a connection that missed nothing: read what was asked for while there was none."""
        if not self.store.page.read:
            await self.read_tenant()
            await self.read_stats()
        if self.on_resync is not None:
            await self.on_resync()

    async def read_tenants(self) -> None:
        """Read the tenants; a key that opens one tenant only has to be told which."""
        try:
            tenants = await self.service.tenants()
        except RefusedError as error:
            if error.status != 403:
                raise
            if self.wanted_tenant is None:
                raise RefusedError(403, "this key opens one tenant: name it with --tenant") from None
            self.operator = False
            tenants = [{"id": self.wanted_tenant, "name": self.wanted_tenant, "status": "active"}]
        wanted = self.wanted_tenant
        if self.store.tenant is None and wanted is not None and wanted not in {one["id"] for one in tenants}:
            raise RefusedError(404, f"there is no tenant {wanted}")
        self.store.set_tenants(tenants)
        if self.store.tenant not in self.store.tenants:
            self._first_tenant()

    def _first_tenant(self) -> None:
        """The one that was asked for, else the busiest."""
        tenants = self.store.tenants
        if self.wanted_tenant in tenants:
            self.store.choose_tenant(self.wanted_tenant)
        elif tenants:
            self.store.choose_tenant(max(tenants, key=lambda one: self._busy(tenants[one])))

    def _busy(self, tenant: dict[str, Any]) -> tuple[int, int]:
        """What lives or ran of late, then how much there is."""
        figures = self.store.stats.get("service", {}).get("tenants") or ()
        mine: dict[str, Any] = next((one for one in figures if one["tenant_id"] == tenant["id"]), {})
        counts = tenant.get("counts", {})
        return (mine.get("last_hour") or {}).get("started", 0) + counts.get("executions_live", 0), counts.get(
            "workflows", 0
        )

    async def choose_tenant(self, tenant: str) -> None:
        """Look at another tenant."""
        if tenant != self.store.tenant and tenant in self.store.tenants:
            self.store.choose_tenant(tenant)
            await self.read_tenant()
            await self.read_stats()

    async def read_tenant(self) -> None:
        """Read what belongs to the tenant that is looked at."""
        await self.read_workflows()
        await self.read_page(self.store.page, rows=len(self.store.page.ids))
        await self.read_schedules()

    async def read_workflows(self) -> None:
        """Read the workflows."""
        tenant = self.store.tenant
        if tenant is not None:
            workflows = await self.service.workflows(tenant)
            if tenant == self.store.tenant:
                self.store.set_workflows(workflows)

    async def read_schedules(self) -> None:
        """Read the schedules."""
        tenant = self.store.tenant
        if tenant is not None:
            schedules = await self.service.schedules(tenant)
            if tenant == self.store.tenant:
                self.store.set_schedules(schedules)

    async def read_page(self, page: Page, *, rows: int = 0) -> None:
        """Read the newest executions that the filter of a list wants: so many of them, and a page at least."""
        if page.tenant is not None:
            with page.reading():
                params = page.filter.params(datetime.now(UTC))
                items, cursor = await self.service.executions(page.tenant, **params)
                while cursor is not None and len(items) < rows:
                    older, cursor = await self.service.executions(page.tenant, **params, cursor=cursor)
                    items += older
                self.store.replace_page(page, items, cursor)

    async def read_older(self, page: Page) -> None:
        """Read the executions after the last one that a list holds."""
        if page.tenant is not None and page.more:
            with page.reading():
                params = {**page.filter.params(datetime.now(UTC)), **page.older()}
                items, cursor = await self.service.executions(page.tenant, **params)
                self.store.append_page(page, items, cursor)

    async def read_stats(self) -> None:
        """Read the figures of the service and of the tenant."""
        tenant = self.store.tenant
        service = await self._service_stats()
        mine = await self.service.stats(tenant) if tenant is not None else {}
        self._heard()
        if tenant == self.store.tenant:
            self.store.set_stats({"service": service, "tenant": mine})

    async def _service_stats(self) -> dict[str, Any]:
        """The service's own figures, which a tenant's key doesn't open."""
        if not self.operator:
            return {}
        try:
            return await self.service.stats()
        except RefusedError as error:
            if error.status != 403:
                raise
            self.operator = False
            return {}
