"""Plays everything around the decisions of one execution: workers, timers, people, and a clock that jumps ahead."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from flowrun.domain import facts as f
from flowrun.domain.calls import wish_of
from flowrun.domain.decide import decide
from flowrun.domain.events import Event
from flowrun.domain.execution import Execution, NodeRun, RunKey
from flowrun.domain.facts import TimerKind
from flowrun.domain.graph import Graph
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import NodeTypes
from flowrun.domain.signals import is_awaiting
from flowrun.domain.turn import Decision, Job
from flowrun.errors import FlowrunError, InvalidInputError
from flowrun.formats.cases import Case, CaseSignal
from flowrun.rehearsal.agenda import Agenda
from flowrun.rehearsal.stand_ins import NotMockedError, StandIns

EXECUTION_ID = "00000000-0000-7000-8000-000000000000"
TENANT = "test"
MOST_TURNS = 200_000
"""Decisions; a case that takes more is taken to go on for ever."""
_ELSEWHERE = frozenset({TimerKind.ERROR_WORKFLOW, TimerKind.EVENT, TimerKind.ANSWER})
"""Timers that act on other executions."""


class _Links:
    """Addresses at which nobody answers."""

    def url(self, execution_id: str, node_id: str, iteration: str) -> str:
        """The address of one node run."""
        return "/".join(filter(None, ("https://flowrun.invalid/resume", execution_id, node_id, iteration)))


class Player:
    """One execution in virtual time; `play` it once, then look at what is left."""

    def __init__(self, case: Case, graph: Graph, types: NodeTypes) -> None:
        self.execution = Execution(EXECUTION_ID, TENANT, graph, links=_Links())
        self.now = case.now
        self.history: list[tuple[int, Event]] = []
        self.params: dict[RunKey, JsonObject] = {}
        """What workers were given, by node run."""
        self.problems: list[str] = []
        """What kept the case from being played to its end."""
        self._stand_ins = StandIns(case, types)
        self._agenda: Agenda[f.Fact] = Agenda()
        self._unsent = [signal for signal in case.signals if signal.at is None]
        self._answered: set[RunKey] = set()
        for number, signal in enumerate(case.signals):
            if signal.at is not None:
                self._note(("signal", number), signal.at, _unasked(signal))

    async def play(self, start: f.Start) -> None:
        """Play from the start until the execution has ended, or nothing is left that could carry it on."""
        fact: f.Fact = start
        for _ in range(MOST_TURNS):
            await self._tell(fact)
            upcoming = None if self.execution.final or self.problems else self._agenda.next()
            if upcoming is None:
                self.problems += [f"nothing waited for the signal {signal.label}" for signal in self._unsent]
                return
            due_at, fact = upcoming
            self.now = max(self.now, due_at)
        self.problems.append(f"it goes on after {MOST_TURNS:,} decisions")

    def _note(self, key: Hashable, seconds: float, fact: f.Fact) -> None:
        self._agenda.note(key, self.now + round(seconds * 1000), fact)

    async def _tell(self, fact: f.Fact) -> None:
        if isinstance(fact, f.TimerFired) and fact.kind in _ELSEWHERE:
            return
        try:
            if isinstance(fact, f.TimerFired) and fact.kind is TimerKind.CALL and fact.key is not None:
                self._call(fact.key)
                return
            # With the longest wait that chance allows, so that a retry's time can be told beforehand.
            await self._follow(decide(self.execution, [fact], self.now, lambda: 1.0))
        except NotMockedError as error:
            self.problems.append(str(error))
        except FlowrunError as error:
            issues = error.issues if isinstance(error, InvalidInputError) else ()
            self.problems.append("; ".join([f"{_named(fact)} is refused: {error}", *map(str, issues)]))

    async def _follow(self, decision: Decision) -> None:
        """Let what was decided take its course."""
        self.history += [(at, event) for _, at, event in decision.events]
        for node, iteration in decision.ended_jobs:
            self._agenda.strike(("job", node, iteration))
        for kind, node, iteration in decision.ended_timers:
            self._agenda.strike(("timer", kind, node, iteration))
        for timer in decision.timers:
            fired = f.TimerFired(timer.kind, (timer.node_id, timer.iteration) if timer.node_id else None)
            self._agenda.note(("timer", timer.kind, timer.node_id, timer.iteration), timer.due_at, fired)
        for job in decision.jobs:
            await self._work(job)
        if self._unsent:
            self._unsent = [signal for signal in self._unsent if not self._sent(signal)]

    async def _work(self, job: Job) -> None:
        key = (job.node_id, job.iteration)
        self.params[key] = params = self._stand_ins.params(job)
        outcome, seconds = await self._stand_ins.attempt(job, params)
        self._note(("job", *key), seconds, f.AttemptEnded(key, job.dispatch, outcome, self.now))

    def _call(self, key: RunKey) -> None:
        """Let a called workflow answer, if its caller still waits."""
        run = self.execution.runs.get(key)
        if run is None or wish_of(self.execution, run) is not f.Wish.RUN:
            return
        self.params[key] = run.output if isinstance(run.output, dict) else {}
        outcome, seconds = self._stand_ins.call(key)
        self._note(("call", *key), seconds, f.CallAnswered(key, outcome))

    def _sent(self, signal: CaseSignal) -> bool:
        """Whether a node has come to wait for the signal, which is then on its way."""
        run = next(self._waiting_for(signal), None)
        if run is None:
            return False
        self._answered.add(run.key)
        self._note(("answer", *run.key), signal.after, f.Signal(None, signal.data, run.key, signal.by))
        return True

    def _waiting_for(self, signal: CaseSignal) -> Iterator[NodeRun]:
        for run in self.execution.runs.values():
            node_meant = run.node.id == signal.node and signal.iteration in {"", run.iteration}
            meant = node_meant or run.node.signal == signal.name
            if meant and is_awaiting(run) and run.key not in self._answered:
                yield run


def _unasked(signal: CaseSignal) -> f.Signal:
    """A signal that is sent whether a node waits for it or not."""
    key = None if signal.node is None else (signal.node, signal.iteration)
    return f.Signal(signal.name, signal.data, key, signal.by)


def _named(fact: f.Fact) -> str:
    if isinstance(fact, f.Signal):
        return f"the signal for `{fact.key[0] if fact.key else fact.name}`"
    return f"the fact {type(fact).__name__}"
