"""Named points at which the process dies: before and after every commit, dispatch, effect and acknowledgement."""

from __future__ import annotations

import os
import signal
import threading
import time
from functools import wraps
from pathlib import Path

from sqlalchemy import Engine, event

import flowrun.api.app
from flowrun.bootstrap.reports import Reports
from flowrun.coordinator import engine
from flowrun.coordinator.dispatcher import Dispatcher
from flowrun.coordinator.recovery import Recovery
from flowrun.persistence import writer
from flowrun.persistence.writer import GroupWriter
from flowrun.queue.local_queue import LocalQueue
from flowrun.workers.attempts import Attempts

HELD_SECONDS = 0.1
"""The writer holds still before it dies at a commit: what doesn't wait for the commit shows itself meanwhile."""


class Points:
    """Lets the process die when it passes `point@workflow`, which the file names and may name at any time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._armed = self._read()
        self._marks: dict[int, tuple[object, set[tuple[str, str]]]] = {}
        """Which facts of which workflows the rows of a decision are of, by the identity of the rows."""
        self._facts: list[object] = []
        self.workflows: dict[str, str] = {}
        """The workflow of each execution that was decided over."""
        self.group: set[tuple[str, str]] = set()
        threading.Thread(target=self._watch, daemon=True).start()

    def _read(self) -> str:
        return self._file.read_text() if self._file.exists() else ""

    def _watch(self) -> None:
        while True:
            time.sleep(0.005)
            armed = self._read()
            if armed != self._armed:
                self._armed = armed
                self._file.with_suffix(".seen").write_text(armed)

    def at(self, name: str, workflow: str | None, hold: float = 0.0) -> None:
        """The process passes a point; it dies when it is the armed one."""
        if self._armed != f"{name}@{workflow}":
            return
        with self._file.with_suffix(".hit").open("w") as hit:
            hit.write(self._armed)
        time.sleep(hold)
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)

    def at_commit(self, name: str, group: set[tuple[str, str]], hold: float = 0.0) -> None:
        """A group of units passes a point."""
        for fact, workflow in group:
            self.at(f"{name}.{fact}", workflow, hold)

    def decided(self, execution: object, facts: list[object]) -> None:
        self._facts = facts
        self.workflows[execution.id] = execution.graph.workflow_id

    def marked(self, execution: object, rows: object) -> None:
        facts = {(type(fact).__name__, execution.graph.workflow_id) for fact in self._facts}
        self._marks[id(rows)] = (rows, facts)

    def facts_of(self, group: list[object]) -> set[tuple[str, str]]:
        marks = [self._marks.get(id(unit.rows)) for unit in group]
        return {one for mark in marks if mark for one in mark[1]}

    def forget(self, group: list[object]) -> None:
        for unit in group:
            self._marks.pop(id(unit.rows), None)


def install(file: str) -> None:
    """Put the points round the product's own functions."""
    points = Points(Path(file))
    _round_commits(points)
    _round_jobs(points)
    _round_timers(points)
    _round_answers(points)


def _round_commits(points: Points) -> None:
    decide, rows_of, write, deliver = engine.decide, engine.rows_of, GroupWriter._write, writer._deliver

    def decided(execution, facts, now, jitter):
        points.decided(execution, facts)
        return decide(execution, facts, now, jitter)

    def marked(execution, decision, **more):
        rows = rows_of(execution, decision, **more)
        points.marked(execution, rows)
        return rows

    def written(connection, group):
        points.group = points.facts_of(group)
        try:
            write(connection, group)
            points.at_commit("committed", points.group, HELD_SECONDS)
        finally:
            points.group = set()

    def told(group):
        facts = points.facts_of(group)
        points.forget(group)
        deliver(group)
        points.at_commit("told", facts)

    @event.listens_for(Engine, "commit")
    def commit(_connection):
        points.at_commit("commit", points.group, HELD_SECONDS)

    engine.decide, engine.rows_of = decided, marked
    GroupWriter._write, writer._deliver = staticmethod(written), told


def _round_jobs(points: Points) -> None:
    _before(LocalQueue, "put", lambda job: points.at("dispatch", job.workflow_id))
    _after(LocalQueue, "put", lambda job: points.at("dispatched", job.workflow_id))
    _before(Attempts, "run", lambda job: points.at("taken", job.workflow_id))
    _before(Attempts, "_run", lambda _kind, job, *_, **__: points.at("effect", job.workflow_id))
    _before(Reports, "record_result", lambda job, *_: points.at("effected", job.workflow_id))
    _before(Dispatcher, "done", lambda job: points.at("acknowledge", job.workflow_id))
    _after(Dispatcher, "done", lambda job: points.at("acknowledged", job.workflow_id))
    _before(Recovery, "_hand_out", lambda job: points.at("recover-queued", job.workflow_id))
    _before(Recovery, "_carry_on", lambda job: points.at("recover-running", job.workflow_id))


def _round_timers(points: Points) -> None:
    fire = Reports.fire

    async def fired(self, timer):
        points.at("timer", points.workflows.get(timer.execution_id))
        await fire(self, timer)
        points.at("timed", points.workflows.get(timer.execution_id))

    Reports.fire = fired


def _round_answers(points: Points) -> None:
    create = flowrun.api.app.create_app

    @wraps(create)
    def created(*arguments, **more):
        app = create(*arguments, **more)

        async def answering(scope, receive, send):
            path = scope.get("path", "")
            if not path.startswith("/webhooks/"):
                await app(scope, receive, send)
                return
            workflow = path.rpartition("/")[2]

            async def sent(message):
                if message["type"] == "http.response.start":
                    points.at("answer", workflow)
                await send(message)
                if message["type"] == "http.response.body" and not message.get("more_body"):
                    points.at("answered", workflow)

            await app(scope, receive, sent)

        return answering

    flowrun.api.app.create_app = created


def _before(owner: type, name: str, note) -> None:
    original = getattr(owner, name)

    @wraps(original)
    def noted(self, *arguments, **more):
        note(*arguments, **more)
        return original(self, *arguments, **more)

    setattr(owner, name, noted)


def _after(owner: type, name: str, note) -> None:
    original = getattr(owner, name)

    @wraps(original)
    def noted(self, *arguments, **more):
        result = original(self, *arguments, **more)
        note(*arguments, **more)
        return result

    setattr(owner, name, noted)
