"""The workflows that running nodes call: started once, waited for, and cancelled with the node that called them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from flowrun.bus import Command
from flowrun.commands.call_workflow import CallWorkflow
from flowrun.commands.execution_commands import CancelExecution
from flowrun.domain.json import JsonObject
from flowrun.errors import FlowrunError, UnavailableError
from flowrun.nodes.job import WorkflowCall, WorkflowEnd
from flowrun.ports import Clock, Engine

Send = Callable[[Command[JsonObject]], Awaitable[JsonObject]]
_log = logging.getLogger(__name__)

_AGAIN_SECONDS = 0.5
_PATIENCE = 60.0
"""Seconds that the engine waits longer than we do, so that its giving up means that the process is about to stop."""


class CalledWorkflows:
    """See `flowrun.nodes.job.Workflows`."""

    def __init__(self, send: Send, engine: Callable[[], Engine], clock: Clock) -> None:
        """Wire it up; the engine, which is made after the workers, is asked for when it is needed."""
        self._send = send
        self._engine = engine
        self._clock = clock
        self._cancelling: set[asyncio.Task[None]] = set()

    async def call(self, call: WorkflowCall) -> WorkflowEnd:
        """See the protocol."""
        # A cancelled wait doesn't undo a start: which execution it was must be known, to cancel it as well.
        starting = asyncio.ensure_future(self._start(call))
        starting.add_done_callback(_noticed)
        try:
            execution_id = await asyncio.shield(starting)
            call.job.log(f"The execution {execution_id} of the workflow {call.workflow_id} is waited for")
            with call.job.waiting():
                return await self._end(execution_id, call.timeout)
        except asyncio.CancelledError:
            if call.job.stopped():
                self._post(self._cancel(call, starting))
            raise

    async def _start(self, call: WorkflowCall) -> str:
        job = call.job
        command = CallWorkflow(
            tenant_id=job.tenant_id,
            workflow_id=call.workflow_id,
            input=call.input,
            execution_id=job.execution_id,
            node_id=job.node_id,
            iteration=job.iteration,
            key=call.key,
        )
        return str((await self._send(command))["execution_id"])

    async def _end(self, execution_id: str, timeout: float) -> WorkflowEnd:
        engine = self._engine()
        try:
            async with asyncio.timeout(timeout):
                ending = await engine.ending(execution_id, response=False, timeout=timeout + _PATIENCE)
        except TimeoutError:
            return WorkflowEnd(execution_id, (await engine.look(execution_id)).status.value)
        if ending is None:
            # The process is about to stop: nothing has been decided, and the attempt runs again at the next start.
            await asyncio.Event().wait()
            raise AssertionError("nobody sets it")
        return WorkflowEnd(execution_id, ending.status.value, ending.output, ending.error)

    def _post(self, cancelling: Awaitable[None]) -> None:
        task = asyncio.ensure_future(cancelling)
        self._cancelling.add(task)
        task.add_done_callback(self._cancelling.discard)

    async def _cancel(self, call: WorkflowCall, starting: asyncio.Future[str]) -> None:
        reason = f"the node {call.job.node_id} of the execution {call.job.execution_id}, which called it, was stopped"
        try:
            command = CancelExecution(tenant_id=call.job.tenant_id, execution_id=await starting, reason=reason)
            while True:
                try:
                    await self._send(command)
                except UnavailableError:
                    await self._clock.wait(asyncio.Event(), _AGAIN_SECONDS)
                else:
                    return
        except FlowrunError as error:
            _log.debug("The workflow %s needs no cancelling: %s", call.workflow_id, error)


def _noticed(starting: asyncio.Future[str]) -> None:
    """Nobody may be left to hear that a start has failed."""
    if not starting.cancelled():
        starting.exception()
