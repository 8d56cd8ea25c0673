"""Where the nodes of an execution stand, followed from commit to commit at the cost of the nodes it touched."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from flowrun.domain.execution import Execution, NodeRun, RunKey
from flowrun.domain.states import NodeStatus

MOST_NAMED = 5
"""How many nodes a summary names."""
_MOST_LOOKED_AT = 40
"""Runs that are looked at for them: a loop may have thousands of its one node."""
_OPEN = frozenset({NodeStatus.QUEUED, NodeStatus.RUNNING, NodeStatus.RETRYING, NodeStatus.WAITING})
_FAILED = frozenset({NodeStatus.FAILED, NodeStatus.TIMED_OUT})


class Standing:
    """The runs that have begun and not ended, and the nodes that have failed."""

    __slots__ = ("_failed", "_open")

    def __init__(self, execution: Execution) -> None:
        """Look at every run once; `follow` then costs what a decision touches."""
        self._open: dict[RunKey, None] = {}
        self._failed: dict[str, None] = {}
        self.follow(execution.runs)

    def follow(self, touched: Mapping[RunKey, NodeRun]) -> None:
        """Runs have changed."""
        for key, run in touched.items():
            status = run.status
            if status in _OPEN:
                self._open[key] = None
            else:
                self._open.pop(key, None)
            if run.node.loop is None:
                if status in _FAILED:
                    self._failed[key[0]] = None
                elif self._failed:
                    self._failed.pop(key[0], None)

    @property
    def failed(self) -> int:
        """How many nodes outside of loops have failed or timed out."""
        return len(self._failed)

    @property
    def failed_at(self) -> str | None:
        """The first of them."""
        return next(iter(self._failed), None)

    def running(self) -> tuple[str, ...]:
        """Nodes that a run has begun of and not ended, also within loops; not more than `MOST_NAMED`."""
        if len(self._open) < 2:
            return tuple(node for node, _ in self._open)
        named = dict.fromkeys(node for node, _ in islice(self._open, _MOST_LOOKED_AT))
        return tuple(islice(named, MOST_NAMED))
