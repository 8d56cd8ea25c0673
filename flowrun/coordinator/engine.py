"""The engine: every fact about an execution goes through its mailbox, one decision and one commit at a time.

Facts that come in while a commit is under way are decided together afterwards, so that a hundred results of a
fan-out cost a handful of commits, and nothing is ever decided on a state that might not become durable.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from flowrun.coordinator.admission import Admission, Gate
from flowrun.coordinator.endings import Endings, ending_of
from flowrun.coordinator.mailbox import Letter, Slot, read_into, refuse, settle
from flowrun.domain.calls import awaited_by, is_called
from flowrun.domain.decide import decide
from flowrun.domain.execution import Execution
from flowrun.domain.facts import (
    Admit,
    AttemptEnded,
    AttemptLost,
    AttemptStarted,
    Broken,
    CallAnswered,
    Cancel,
    Fact,
    Retry,
    Start,
    TimerFired,
)
from flowrun.domain.graph import Graph
from flowrun.domain.states import ExecutionStatus
from flowrun.domain.turn import Decision
from flowrun.errors import FlowrunError, NotFoundError, UnavailableError
from flowrun.persistence.execution_store import ExecutionStore
from flowrun.persistence.executions import rows_of
from flowrun.persistence.writer import GroupWriter, Unit
from flowrun.ports import Clock, Ending, Insertions

R = TypeVar("R")
_log = logging.getLogger(__name__)

_BY_LIMIT = "limit"
"""Who cancels an execution in whose place another is to run."""
_OWN_FACTS = (AttemptEnded, AttemptStarted, AttemptLost, CallAnswered, TimerFired)
"""Facts that are never refused, so that any number of them is decided in one turn."""

_POST_AGAIN_SECONDS = 1.0

Committed = Callable[[Execution, Decision], None]
"""Told of each decision after its commit: the dispatcher, the timers."""


class ExecutionEngine:
    """See `flowrun.ports.Engine`."""

    def __init__(
        self,
        *,
        clock: Clock,
        writer: GroupWriter,
        store: ExecutionStore,
        committed: Committed,
        new_id: Callable[[], str],
        jitter: Callable[[], float],
        epoch: int,
        cached: int,
    ) -> None:
        self._clock = clock
        self._writer = writer
        self._store = store
        self._act = committed
        self._new_id = new_id
        self._jitter = jitter
        self._epoch = epoch
        self._cached = cached
        self._slots: dict[str, Slot] = {}
        self._withdrawn: set[str] = set()
        self._idle: OrderedDict[str, None] = OrderedDict()
        """Executions that only wait for a timer, a signal or a command, the longest idle first."""
        self._loads: set[asyncio.Task[None]] = set()
        self._endings = Endings()
        self.gate = Gate()

    # --- the port

    async def start(
        self,
        graph: Graph,
        tenant_id: str,
        fact: Start,
        *,
        execution_id: str | None = None,
        also: Callable[[Connection], None] | None = None,
        rows: Insertions | None = None,
        notify: bool = False,
    ) -> str:
        """See `flowrun.ports.Engine.start`."""
        eid = execution_id or self._new_id()
        groups = self.gate.groups_of(graph, tenant_id, {"trigger": fact.trigger}, self._clock.now())
        caller = awaited_by(fact.trigger)
        # Whoever called it would only ask again and again.
        refusable = not is_called(fact.trigger)
        admission = self.gate.ask(eid, groups, caller, refusable=refusable) if groups or caller else None
        fact.hold = admission is not None and not admission.runs
        if notify:
            self._endings.expect(eid, from_start=True)
        slot = self._slots[eid] = Slot(eid, self._store.new(eid, tenant_id, graph), busy=True)
        letter = Letter(fact, tenant_id, asyncio.get_running_loop().create_future())
        letter.waiter.add_done_callback(partial(self._begun, eid, admission))
        self._decide(slot, [letter], also, rows)
        await asyncio.shield(letter.waiter)  # Whoever asked may be gone before it is known what became of it.
        return eid

    def _begun(self, execution_id: str, admission: Admission | None, outcome: asyncio.Future[Execution]) -> None:
        """A start has been committed, or has not: then nobody may wait for it, and its place is free again."""
        if outcome.exception() is not None:
            self._endings.forget(execution_id)
            self._take_back(execution_id, admission)
        else:
            self._cancel_for(execution_id, admission)

    def _take_back(self, execution_id: str, admission: Admission | None) -> None:
        """An execution came to nothing: its place is free again, and nobody is cancelled for it."""
        for other in admission.cancel if admission is not None else ():
            self.gate.stays(other)
        self.admit(self.gate.leave(execution_id))

    def _cancel_for(self, execution_id: str, admission: Admission | None) -> None:
        """Cancel the one whose place an execution takes."""
        if admission is not None:
            self.make_room(admission.cancel, f"the execution {execution_id} takes its place")

    def make_room(self, execution_ids: Iterable[str], reason: str) -> None:
        """Cancel executions in whose place others are to run."""
        for execution_id in execution_ids:
            self._post(execution_id, Cancel(_BY_LIMIT, reason))

    async def tell(self, tenant_id: str | None, execution_id: str, fact: Fact) -> Execution:
        """See `flowrun.ports.Engine.tell`."""
        return await self._send(tenant_id, execution_id, fact).waiter

    async def look(self, execution_id: str) -> Execution:
        """See `flowrun.ports.Engine.look`."""
        return await self._store.load(execution_id)

    async def read(self, execution_id: str, reading: Callable[[Execution], R]) -> R:
        """See `flowrun.ports.Engine.read`."""
        slot = self._slots.get(execution_id)
        if slot is not None and slot.busy:
            found: asyncio.Future[R | None] = asyncio.get_running_loop().create_future()
            slot.readers.append(partial(read_into, found, slot, reading))
            value = await found
            if value is not None:
                return value
        elif slot is not None and slot.execution is not None:
            return reading(slot.execution)
        return reading(await self._store.load(execution_id))

    async def ending(self, execution_id: str, *, response: bool, timeout: float) -> Ending | None:
        """See `flowrun.ports.Engine.ending`."""
        slot = self._slots.get(execution_id)
        running = slot is not None and slot.execution is not None and not slot.execution.final
        # It may be final, and its last commit on the way: whoever announced himself is told of that.
        running = running or self._endings.hears_all(execution_id)
        # Watch first, look second: what ends in between is not missed. Of two who look at once, the first one to
        # find the end takes the watch away, and the other must not wait for an end that was long ago.
        while not running and not self._endings.known(execution_id, response=response):
            self._endings.expect(execution_id)
            ended = await self._ended_before(execution_id, response=response)
            if ended is not None:
                return ended
            running = self._endings.expected(execution_id)
        self._endings.expect(execution_id)
        return await self._endings.wait(execution_id, response=response, timeout=timeout)

    def end_waits(self) -> None:
        """Answer all who wait in `ending`, now and from now on, that it takes longer."""
        self._endings.close()

    async def _ended_before(self, execution_id: str, *, response: bool) -> Ending | None:
        try:
            execution = await self._store.load(execution_id)
        except BaseException:
            self._endings.forget(execution_id)
            raise
        if execution.final or (response and execution.response is not None):
            self._endings.forget(execution_id)
            return ending_of(execution)
        return None

    @property
    def in_memory(self) -> int:
        """How many executions are held in memory."""
        return len(self._slots)

    @contextmanager
    def withdrawn(self, execution_ids: Iterable[str]) -> Iterator[list[str]]:
        """Those of them that nobody decides over; nobody can while the block lasts: they are about to be deleted."""
        free = [execution_id for execution_id in execution_ids if execution_id not in self._slots]
        self._withdrawn.update(free)
        try:
            yield free
        finally:
            self._withdrawn.difference_update(free)

    # --- the mailbox

    def _send(self, tenant_id: str | None, execution_id: str, fact: Fact) -> Letter:
        if execution_id in self._withdrawn:
            gone = Letter(fact, tenant_id, asyncio.get_running_loop().create_future())
            gone.waiter.set_exception(NotFoundError(f"There is no execution {execution_id}"))
            return gone
        slot = self._slots.get(execution_id)
        if slot is None:
            slot = self._slots[execution_id] = Slot(execution_id)
        letter = Letter(fact, tenant_id, asyncio.get_running_loop().create_future())
        slot.inbox.append(letter)
        if not slot.busy:
            self._next(slot)
        return letter

    def _next(self, slot: Slot) -> None:
        """Decide over what has come in, loading the execution first when it isn't in memory."""
        slot.busy = True
        self._idle.pop(slot.id, None)
        if slot.execution is None:
            self._begin(self._fill(slot))
        else:
            self._decide(slot, self._batch(slot))

    def _begin(self, read: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(read)
        self._loads.add(task)
        task.add_done_callback(self._loads.discard)

    async def _fill(self, slot: Slot) -> None:
        try:
            slot.execution = await self._store.load(slot.id)
        except Exception as error:  # noqa: BLE001 - told to everyone who asked
            self._slots.pop(slot.id, None)
            refuse(slot.inbox, error)
            slot.execution = None
            for read in slot.readers:
                read()
            return
        self._decide(slot, self._batch(slot))

    @staticmethod
    def _batch(slot: Slot) -> list[Letter]:
        """The letters of the next turn: the leading run of the engine's own facts, or one command alone."""
        count = 0
        while count < len(slot.inbox) and isinstance(slot.inbox[count].fact, _OWN_FACTS):
            count += 1
        batch = slot.inbox[: max(count, 1)]
        del slot.inbox[: len(batch)]
        return batch

    def _decide(
        self,
        slot: Slot,
        letters: list[Letter],
        also: Callable[[Connection], None] | None = None,
        more: Insertions | None = None,
    ) -> None:
        execution = slot.execution
        assert execution is not None  # noqa: S101 - loaded before
        tenant = letters[0].tenant_id
        created = execution.seq == 0
        if tenant is not None and tenant != execution.tenant_id:
            refuse(letters, NotFoundError(f"The tenant {tenant} has no execution {slot.id}"))
            self._go_on(slot)
            return
        try:
            slot.admission = self._ask_again(execution, letters[0].fact)
            # Those are commands, which come alone.
            facts = [] if self._is_of_old(slot.id, letters[0].fact) else [letter.fact for letter in letters]
            decision = decide(execution, facts, self._clock.now(), self._jitter)
            rows = rows_of(execution, decision, created=created, epoch=self._epoch)
            if more is not None:
                rows.insert(more)
        except FlowrunError as error:
            # A refused command has changed nothing: the state stays good.
            self._give_back(slot)
            refuse(letters, error)
            self._go_on(slot)
            return
        except Exception as error:  # noqa: BLE001 - a bug in one execution must not stop the others
            self._give_up(slot, letters, error)
            return
        if rows.count == 0:
            settle(letters, execution)
            self._go_on(slot)
            return

        def done(_result: object, error: BaseException | None) -> None:
            if error is None:
                self._after_commit(slot, execution, decision, letters)
            else:
                self._begin(self._find_out(slot, execution, decision, letters, error))

        try:
            self._writer.submit(Unit(done, change=also, rows=rows))
        except UnavailableError as error:
            self._forget_state(slot, letters, error)

    def admit(self, execution_ids: list[str]) -> None:
        """Let queued executions begin."""
        for execution_id in execution_ids:
            self._post(execution_id, Admit())

    def _post(self, execution_id: str, fact: Fact) -> None:
        """Send a fact that nobody waits for; while the database cannot commit it is sent again."""

        def sent(waiter: asyncio.Future[Execution]) -> None:
            if isinstance(waiter.exception(), UnavailableError):
                asyncio.get_running_loop().call_later(_POST_AGAIN_SECONDS, self._post, execution_id, fact)
            elif waiter.exception() is not None:
                _log.info("%s came too late for %s: %s", type(fact).__name__, execution_id, waiter.exception())

        letter = self._send(None, execution_id, fact)
        letter.waiter.add_done_callback(sent)

    def _after_commit(self, slot: Slot, execution: Execution, decision: Decision, letters: list[Letter]) -> None:
        self._act(execution, decision)
        admission, slot.admission = slot.admission, None
        if decision.finished:
            self._endings.ended(execution)
            self.admit(self.gate.leave(execution.id))
        elif decision.reopened:
            self._cancel_for(execution.id, admission)
        elif decision.responded or decision.unanswered:
            self._endings.answered(execution)
        if execution.status is ExecutionStatus.CANCELLING:
            self.gate.leaving(execution.id)
        settle(letters, execution)
        self._go_on(slot)

    async def _find_out(
        self, slot: Slot, execution: Execution, decision: Decision, letters: list[Letter], error: BaseException
    ) -> None:
        """A commit may report an error and stand all the same: its jobs must not wait for the next start."""
        try:
            stands = bool(decision.events) and await self._store.stands(slot.id, execution.seq)
        except Exception as unread:  # noqa: BLE001 - who asked is told of the commit's own error
            _log.warning("Whether a commit of %s stands cannot be read: %s", slot.id, unread)
            stands = False
        if stands:
            _log.warning("A commit of %s stands, though it reported: %s", slot.id, error)
            self._after_commit(slot, execution, decision, letters)
        else:
            self._forget_state(slot, letters, error)

    def _ask_again(self, execution: Execution, fact: Fact) -> Admission | None:
        """A place for an execution that is to be retried, as for a new one. Raises `LimitReachedError`."""
        if not isinstance(fact, Retry) or not execution.final or execution.status is ExecutionStatus.COMPLETED:
            return None
        scope = {"trigger": execution.trigger}
        groups = self.gate.groups_of(execution.graph, execution.tenant_id, scope, execution.created_at)
        caller = awaited_by(execution.trigger)
        admission = self.gate.ask(execution.id, groups, caller) if groups or caller else None
        fact.hold = admission is not None and not admission.runs
        return admission

    def _is_of_old(self, execution_id: str, fact: Fact) -> bool:
        """Whether the gate has admitted or removed an execution that left before it heard of that, and came back."""
        if isinstance(fact, Admit):
            return self.gate.waits(execution_id)
        return isinstance(fact, Cancel) and fact.by == _BY_LIMIT and not self.gate.leaves(execution_id)

    def _give_back(self, slot: Slot) -> None:
        """A retry that came to nothing leaves its place to others."""
        if slot.admission is not None:
            admission, slot.admission = slot.admission, None
            self._take_back(slot.id, admission)

    def _go_on(self, slot: Slot) -> None:
        if slot.readers:
            readers, slot.readers = slot.readers, []
            for read in readers:
                read()
        if slot.inbox:
            # Not at once: a long row of refused commands would nest as deep.
            asyncio.get_running_loop().call_soon(self._next, slot)
            return
        slot.busy = False
        execution = slot.execution
        if execution is None or execution.final:
            self._slots.pop(slot.id, None)
        elif execution.idle:
            self._idle[slot.id] = None
            while len(self._idle) > self._cached:
                oldest, _ = self._idle.popitem(last=False)
                self._slots.pop(oldest, None)

    def _forget_state(self, slot: Slot, letters: list[Letter], error: BaseException) -> None:
        """The decision was not stored, so the state in memory is wrong: the next turn loads it anew."""
        slot.execution = None
        self._give_back(slot)
        refuse(letters, error)
        self._go_on(slot)

    def _give_up(self, slot: Slot, letters: list[Letter], error: Exception) -> None:
        """What cannot be decided or stored would fail again for ever: the execution ends, and says why."""
        _log.error("Deciding over the execution %s failed", slot.id, exc_info=error)
        fact = letters[0].fact
        if not isinstance(fact, Start | Broken):
            broken = Broken(f"{type(error).__name__}: {error}")
            slot.inbox.insert(0, Letter(broken, None, asyncio.get_running_loop().create_future()))
        self._forget_state(slot, letters, error)
