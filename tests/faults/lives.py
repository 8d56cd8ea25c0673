"""A service that dies and is started again, over and over, with clients and a neighbour that write everything down."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Self

import httpx2
from faults.journal import Journal
from faults.promises import rows
from faults.shapes import OTHERS, SHAPES, Step, document, other
from support import plain_http
from support.service import Service
from support.stand_in import Call, StandIn

PROCESS = Path(__file__).parent / "process"
PATIENCE = 20.0
"""Seconds in which a process must have died at its point, or everything must have ended."""


class FaultyService(Service):
    """See `support.service`; faults come as variables of the environment."""

    program = (str(PROCESS),)


class Lives(AbstractContextManager["Lives"]):
    """One data directory, and one process after another on it."""

    def __init__(
        self, folder: Path, *, settings: dict[str, str] | None = None, deadline: str = "60s", **faults: str
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.armed = folder / "armed"
        points = {"FAULT_POINTS": str(self.armed)}
        given = {"http_allow": "127.0.0.1", "log_level": "error", **(settings or {})}
        self.service = FaultyService(folder / "data", **given)
        self.service.variables = points | faults
        self.journal = Journal(folder / "journal")
        self.neighbour = StandIn(self._answer)
        self.patient = True
        """Whether those who are told to slow down come again."""
        self.refused: Counter[int] = Counter()
        """How often a delivery was answered with another status than 202."""
        self._folder, self._deadline = folder, deadline
        self._seen: Counter[str] = Counter()
        self.deadly: Counter[str] = Counter()
        """Calls during which the process is killed, by path or shape, and how many times still."""
        self._count = 0
        self._client: httpx2.AsyncClient
        self._signals: asyncio.Task[None] | None = None

    @property
    def database(self) -> Path:
        """The file."""
        return self.service.data_dir / "flowrun.db"

    def __enter__(self) -> Self:
        self.neighbour.__enter__()
        with ExitStack() as undone:
            undone.callback(self.__exit__)
            self.service.start()
            self._apply()
            undone.pop_all()
        return self

    def _apply(self) -> None:
        files = {name: other(name) for name in OTHERS}
        files |= {shape: document(shape, self.neighbour.url, self._deadline) for shape in SHAPES}
        for name, text in files.items():
            (self._folder / f"{name}.yaml").write_text(text)
        self.service.flowrun("apply", *(str(self._folder / f"{name}.yaml") for name in files))

    def __exit__(self, *error: object) -> None:
        self.service.__exit__(*error)
        self.neighbour.__exit__(*error)
        self.journal.close()

    def _answer(self, call: Call) -> tuple[int, object, float]:
        self._seen[call.key] += 1
        _, shape, node = call.path.split("/")
        status = 503 if node == "flaky" and self._seen[call.key] <= 2 else 200
        self.journal.note("call", key=call.key, path=call.path, status=status)
        for name in (shape, call.path):
            if self.deadly[name]:
                self.deadly[name] -= 1
                assert self.service.process is not None
                self.service.process.kill()
        return status, {"called": call.path}, 0.0

    # --- one life after another

    async def die(self, steps: list[Step]) -> None:
        """Let the process die at one point after the other, with new work for each, then let everything end."""
        async with self.clients() as clients:
            for step in steps:
                await self._die(step, clients)
            await asyncio.to_thread(self.up)
        await self.all_ended()

    async def work(self, shape: str, count: int) -> None:
        """Let so many executions of a shape be started at once, and end."""
        async with self.clients() as clients:
            self.post(clients, shape, count)
        await self.all_ended()

    @asynccontextmanager
    async def clients(self) -> AsyncIterator[asyncio.TaskGroup]:
        """What delivers webhooks; at the end of the block all are accepted. Signals are given from now on."""
        limits = httpx2.Limits(max_connections=50)
        async with plain_http.async_client(self.service.url, timeout=10, limits=limits) as self._client:
            if self._signals is None:
                self._signals = asyncio.create_task(self._signal())
            async with asyncio.TaskGroup() as clients:
                yield clients

    def post(self, clients: asyncio.TaskGroup, shape: str, count: int = 1) -> None:
        """Let so many webhooks be delivered."""
        for _ in range(count):
            self._count += 1
            clients.create_task(self._deliver(shape, f"k{self._count}"))

    async def stop(self) -> None:
        """Let no schedule fire any more, everything end, and the process stop."""
        with self.service.operator() as client:
            client.post("/api/v1/tenants/default/workflows/schedule/archive").raise_for_status()
        await self.all_ended()
        if self._signals is not None:
            self._signals.cancel()
        assert await asyncio.to_thread(self.service.stop) == 0

    def up(self) -> None:
        """Start the process, unless it lives."""
        if self._dead():
            self.service.start()

    async def _die(self, step: Step, clients: asyncio.TaskGroup) -> None:
        if step.inherits:
            self.armed.write_text(f"{step.point}@{step.workflow}")
            self.service.launch()
        else:
            await asyncio.to_thread(self.up)
            await self.all_ended(lost=2)  # After five deaths in a row a node is given up, and rightly so.
            if step.point == "within":
                self.deadly[step.shape] = 1
            else:
                self.armed.write_text(f"{step.point}@{step.workflow}")
                await self.until(self._knows)
            self._new_work(step.shape, clients)
        process = self.service.process
        assert process is not None
        try:
            await asyncio.to_thread(process.wait, PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the process never passed {step}") from None
        self.journal.note("killed", step=list(step))
        self._see_that_it_was_there(step)

    def _knows(self) -> bool:
        """Whether the process knows its point; a webhook is answered once."""
        seen = self.armed.with_suffix(".seen")
        return self._dead() or (seen.exists() and seen.read_text() == self.armed.read_text())

    def _dead(self) -> bool:
        return self.service.process is None or self.service.process.poll() is not None

    def _see_that_it_was_there(self, step: Step) -> None:
        if step.point == "within":
            return
        hit = self.armed.with_suffix(".hit")
        assert hit.exists(), f"it died, and not at {step}:\n{self.service.log.read_text()[-4000:]}"
        assert hit.read_text() == self.armed.read_text()
        hit.unlink()
        self.armed.with_suffix(".seen").unlink(missing_ok=True)
        self.armed.write_text("")

    def _new_work(self, shape: str, clients: asyncio.TaskGroup) -> None:
        """An execution of the shape, and one of another that is only beside it."""
        others = [name for name in SHAPES if name not in {"schedule", shape}]
        for name in (others[self._count % len(others)], shape):
            if name != "schedule":
                self.post(clients, name)

    async def _signal(self) -> None:
        """Give every execution that waits for its word the word, until cancelled."""
        query = "SELECT execution_id FROM node_executions WHERE node_id = 'word' AND status = 'waiting'"
        transport = httpx2.AsyncHTTPTransport(uds=str(self.service.socket), verify=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://flowrun", timeout=10) as client:
            while True:
                for row in await asyncio.to_thread(rows, self.database, query):
                    path = f"/api/v1/tenants/default/executions/{row['execution_id']}/signal"
                    with suppress(httpx2.TransportError):
                        reply = await client.post(path, json={"name": "go"})
                        assert reply.status_code in {202, 409, 503}, reply.text
                await asyncio.sleep(0.03)

    async def _deliver(self, shape: str, key: str) -> None:
        """Deliver a webhook until it is accepted."""
        while True:
            try:
                headers = {"Idempotency-Key": key}
                reply = await self._client.post(f"/webhooks/default/{shape}", json={}, headers=headers)
            except httpx2.TransportError:
                await asyncio.sleep(0.03)
                continue
            if reply.status_code == 202:
                break
            assert reply.status_code in {429, 503}, reply.text
            self.refused[reply.status_code] += 1
            if reply.status_code == 429 and not self.patient:
                return
            await asyncio.sleep(0.05)
        (execution,) = reply.json()["execution_ids"]
        self.journal.note("accepted", key=key, execution=execution, shape=shape)

    @staticmethod
    async def until(condition: Callable[[], object]) -> None:
        """Return when the condition holds."""
        for _ in range(round(PATIENCE / 0.02)):
            if condition():
                return
            await asyncio.sleep(0.02)
        raise AssertionError("what was waited for doesn't come")

    async def all_ended(self, *, lost: int = 0) -> None:
        """Wait until no execution is under way that has lost an attempt so often; with 0, until nothing is owed."""
        until = time.monotonic() + PATIENCE
        query = "SELECT id, workflow_id, status FROM executions WHERE finished_at IS NULL"
        if lost:
            query += f" AND id IN (SELECT execution_id FROM node_executions WHERE lost >= {lost})"  # noqa: S608
        else:  # An ended one may still have to start others.
            query += " UNION ALL SELECT execution_id, node_id, kind FROM timers"
            query += " UNION ALL SELECT id, type, outcome FROM events WHERE outcome = 'pending'"
        while left := await asyncio.to_thread(rows, self.database, query):
            if time.monotonic() > until:
                raise AssertionError(f"these never end: {left[:3]}")
            await asyncio.sleep(0.05)
