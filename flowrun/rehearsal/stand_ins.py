"""What stands in for the workers: mocked attempts, and the few nodes that run for real since they touch nothing."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from flowrun.domain.execution import RunKey
from flowrun.domain.json import JsonObject
from flowrun.domain.node_type import Completed, Failed, NodeTypes, Outcome
from flowrun.domain.secret_marks import filled, marked_names
from flowrun.domain.turn import Job
from flowrun.formats.cases import Case, MockedAttempt, run_label
from flowrun.nodes.base import WorkerNodeType
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.output import bounded, timed_out

REAL = frozenset({"respond", "code"})
"""Types that reach nothing outside: an answer is only made, and code runs in its sandbox."""


class NotMockedError(Exception):
    """A node would reach the world, and the case says nothing of what that answers."""


class StandIns:
    """Plays the workers of one case."""

    def __init__(self, case: Case, types: NodeTypes) -> None:
        self._case = case
        self._types = types

    def params(self, job: Job) -> JsonObject:
        """The params of a job, with stand-ins where it has secrets; `<NAME>` for one that the case doesn't name."""
        token = job.secret_token
        if token is None:
            return job.params
        secrets, names = self._case.secrets, marked_names(job.params, token)
        return filled(job.params, token, {name: secrets.get(name, f"<{name}>") for name in names})

    async def attempt(self, job: Job, params: JsonObject) -> tuple[Outcome, float]:
        """What an attempt gives, and after how many seconds; one that lasts as long as the node's timeout times out.

        Raises `NotMockedError`.
        """
        mock = self._mock((job.node_id, job.iteration), job.attempt)
        if mock is None:
            if job.node_type not in REAL:
                raise NotMockedError(_advice(job.node_type, job.node_id))
            return await self._real(job, params), 0.0
        if mock.after >= job.timeout:
            return timed_out(job.timeout), job.timeout
        return mock.failed or bounded(Completed(mock.output, mock.ports)), mock.after

    def call(self, key: RunKey) -> tuple[Completed | Failed, float]:
        """What a called workflow gives, and after how many seconds. Raises `NotMockedError`."""
        mock = self._mock(key, 1)
        if mock is None:
            raise NotMockedError(_advice("workflow", key[0]))
        return mock.failed or Completed(mock.output), mock.after

    def _mock(self, key: RunKey, attempt: int) -> MockedAttempt | None:
        for label in (run_label(*key), key[0]):
            attempts = self._case.mocks.get(label)
            if attempts:
                return attempts[min(attempt, len(attempts)) - 1]
        return None

    async def _real(self, job: Job, params: JsonObject) -> Outcome:
        kind = self._types.get(job.node_type)
        if not isinstance(kind, WorkerNodeType):
            raise TypeError(f"{job.node_type} is run by no worker")
        try:
            async with asyncio.timeout(job.timeout):
                # The types of `REAL` ask for no service; one that did would fail here.
                return bounded(await kind.run(NodeJob.of(job, params), Services(http=cast("Any", None))))
        except TimeoutError:
            return timed_out(job.timeout)


def _advice(node_type: str, node_id: str) -> str:
    return f"no mock for the {node_type} node `{node_id}`: add mocks.{node_id}"
