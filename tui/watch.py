"""Keeps what is known of one execution up to date, for as long as its screen is open."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import orjson

from tui.actions import FINAL
from tui.client import RefusedError, UnreachableError
from tui.detail import Detail
from tui.history import execution_status, node_run
from tui.service import Service, path
from tui.sse import ServerEvent
from tui.store import Store

_RETRY_SECONDS = 1.0
_MOST_TEXT = 4_000
"""Characters of an event that are kept: its payload is read when its node is looked at."""
_MOST_LINES = 2_000
"""Lines of a log that are held."""
_TAIL_SECONDS = 1.0
_RUNS_SECONDS = 1.0
"""Node runs are read anew at most so often: the events say most of it already."""


class Watch:
    """Reads the history as it is written, and the documents behind it."""

    def __init__(self, service: Service, store: Store, detail: Detail) -> None:
        self.service = service
        self.store = store
        self.detail = detail
        self._runs_wanted = asyncio.Event()
        self._payload_wanted = asyncio.Event()
        self._stream_wanted = asyncio.Event()
        self.ended = False
        """The history was read to its end; a retry makes it go on."""

    async def run(self) -> None:
        """Read for ever: the documents, the stream, and what selections ask for."""
        await asyncio.gather(self._history(), self._fresh_runs(), self._payloads(), self._tail())

    def reread(self) -> None:
        """Read everything anew: something may have been missed."""
        self._runs_wanted.set()
        self._payload_wanted.set()
        self._stream_wanted.set()

    def selected(self) -> None:
        """Another node was selected: its payloads are wanted."""
        self._payload_wanted.set()

    # --- the history

    async def _history(self) -> None:
        while True:
            self._stream_wanted.clear()
            self.ended = False
            try:
                await self._documents()
                await self._follow()
            except (UnreachableError, KeyError, TypeError, ValueError):
                await self._wait(_RETRY_SECONDS)
            except RefusedError as error:
                self._refused(error)
                await self._wait(_RETRY_SECONDS * 5)
            else:
                self.ended = True
                await self._wait(None)

    async def _wait(self, seconds: float | None) -> None:
        """Until something asks for the stream again, or the time is over."""
        try:
            await asyncio.wait_for(self._stream_wanted.wait(), seconds)
        except TimeoutError:
            return

    async def _documents(self) -> None:
        detail = self.detail
        execution = await self.service.execution(detail.tenant, detail.id)
        if detail.definition is None:
            workflow, version = str(execution["workflow_id"]), execution["version"]
            try:
                detail.definition = await self.service.workflow(detail.tenant, workflow, version)
            except RefusedError:  # The workflow was deleted: what happened can be looked at all the same.
                detail.definition = {"nodes": [], "edges": []}
        self._put(execution)
        detail.replace_runs(await self.service.node_runs(detail.tenant, detail.id))
        detail.missing = None
        self.store.touch("detail")
        self._payload_wanted.set()

    def _put(self, execution: dict[str, Any]) -> None:
        """Take the news, whichever execution is in front now."""
        self.detail.put_execution(execution)
        self.store.put_execution(execution)

    def _refused(self, error: RefusedError) -> None:
        self.detail.missing = error.detail
        self.store.touch("detail")

    async def _follow(self) -> None:
        """Read the history from the last known event on; returns when the execution has ended."""
        detail = self.detail
        address = path(detail.tenant, "executions", detail.id, "stream")
        last = str(detail.last_seq) if detail.last_seq else None
        events = self.service.client.events(address, last_id=last, heard=_nothing)
        async with aclosing(events):
            async for several in events:
                for event in several:
                    data = orjson.loads(event.data)
                    if event.name == "history":
                        self._take(event, data)
                    elif event.name == "end" and data.get("reason") == "finished":
                        self._runs_wanted.set()
                        return
        raise UnreachableError("the stream has ended")

    def _take(self, event: ServerEvent, data: dict[str, Any]) -> None:
        run = node_run(data)
        status = execution_status(data)
        if len(event.data) > _MOST_TEXT:
            data["data"] = {"size": f"{len(event.data):,} characters; select the node to read them"}
        if not self.detail.put_events([data]):
            return
        if run is not None and self.detail.put_runs([run]):
            self._runs_wanted.set()
        if status is not None and self.detail.execution is not None:
            if status in FINAL:
                self._runs_wanted.set()
            self._put({**_short(self.detail.execution), "status": status})
        self.store.touch("events")
        self.store.touch("detail")
        if run is not None and self.detail.selected == (run["node_id"], run["iteration"]):
            self._payload_wanted.set()

    # --- documents that events make old

    async def _fresh_runs(self) -> None:
        while True:
            await self._runs_wanted.wait()
            self._runs_wanted.clear()
            detail = self.detail
            try:
                runs = await self.service.node_runs(detail.tenant, detail.id)
                self._put(await self.service.execution(detail.tenant, detail.id))
            except (UnreachableError, RefusedError):
                runs = []
            if runs:
                detail.replace_runs(runs)
                self.store.touch("detail")
            # A loop of many items isn't read again and again: the events carry its states.
            await asyncio.sleep(_RUNS_SECONDS * max(1.0, len(runs) / 200))

    async def _payloads(self) -> None:
        while True:
            await self._payload_wanted.wait()
            self._payload_wanted.clear()
            detail, selected = self.detail, self.detail.selected
            if selected is None:
                continue
            try:
                found = await self.service.node_run(detail.tenant, detail.id, *selected)
            except UnreachableError:
                continue
            except RefusedError as error:
                found = {"refused": error.detail}
            if selected == detail.selected:
                detail.payload = found
                self.store.touch("payload")
            await self._logs()
            await asyncio.sleep(0.2)

    async def _logs(self) -> None:
        """Read the lines that the selected node run has logged since."""
        detail, selected = self.detail, self.detail.selected
        if selected is None or not any(name.endswith("/logs") for name in self.store.operations):
            return
        after = detail.logs[-1]["seq"] if detail.logs else 0
        try:
            lines = await self.service.logs(detail.tenant, detail.id, *selected, after=after)
        except (UnreachableError, RefusedError):
            return
        if lines and selected == detail.selected:
            detail.logs = [*detail.logs, *lines][-_MOST_LINES:]
            self.store.touch("payload")

    async def _tail(self) -> None:
        """Look for new lines while the selected node runs: no event tells of them."""
        while True:
            await asyncio.sleep(_TAIL_SECONDS)
            if (self.detail.run or {}).get("status") == "running":
                await self._logs()


def _short(execution: dict[str, Any]) -> dict[str, Any]:
    """The part of an execution that lists show."""
    return {name: value for name, value in execution.items() if name not in {"input", "output", "error", "trigger"}}


def _nothing() -> None:
    """The connection's state is told by the other stream."""
