"""How many executions are in which state, and how many have ended lately: counted as commits go by."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from sqlalchemy import func, select

from flowrun.coordinator.measures import Rate, total
from flowrun.domain.execution import Execution
from flowrun.domain.json import JsonObject
from flowrun.domain.states import FINAL_EXECUTION, ExecutionStatus
from flowrun.domain.turn import Decision
from flowrun.persistence import tables as t
from flowrun.ports import Reader
from flowrun.queries.documents import first_id, time

LIVE = tuple(status.value for status in ExecutionStatus if status not in FINAL_EXECUTION)
_HOUR = 60
_KEPT_MINUTES = 66
"""An hour, and the running interval of the timeline."""
_MOST_LOADED = 200_000
"""Executions that are counted at the start."""
_INTERVAL = 5
"""Minutes of the timeline's steps."""
_INTERVALS = _HOUR // _INTERVAL
_STARTED, _COMPLETED, _FAILED, _CANCELLED = range(4)
_NAMES = ("started", "completed", "failed", "cancelled")
_ENDED = {
    ExecutionStatus.COMPLETED: _COMPLETED,
    ExecutionStatus.FAILED: _FAILED,
    ExecutionStatus.TIMED_OUT: _FAILED,
    ExecutionStatus.CANCELLED: _CANCELLED,
}
Key = tuple[str, str]
"""Tenant and workflow."""


class Counts:
    """Counts by tenant and workflow. Costs what is counted, not what is stored."""

    def __init__(self) -> None:
        self._live: dict[Key, dict[str, int]] = {}
        self._minutes: dict[int, dict[Key, list[int]]] = {}
        """By minute since the epoch: started, completed, failed, cancelled."""
        self._steps: dict[str, Rate] = {}
        """By tenant: node runs that have ended."""
        self._totals: dict[str, list[int]] = {}
        """By tenant, since the start of the process: started, completed, failed, cancelled."""

    async def load(self, reader: Reader) -> None:
        """Count what earlier processes have left, before anything happens."""
        table = t.executions
        # In the order of the partial index, without which the database would look at every row.
        group = (table.c.status, table.c.tenant_id, table.c.workflow_id)
        live = select(*group, func.count().label("count")).where(table.c.finished_at.is_(None)).group_by(*group)
        for row in await reader.all(live):
            self._live.setdefault((row["tenant_id"], row["workflow_id"]), {})[row["status"]] = row["count"]

    async def load_last_hour(self, reader: Reader, now: int) -> None:
        """Add what was started and what ended in the hour before `now` (ms); may run beside the service.

        What ended then but was started earlier is left out, for there is no index by the end; so is what was started
        before the latest `_MOST_LOADED`.
        """
        table = t.executions
        recent = select(table).where(table.c.id >= first_id(now - _HOUR * 60_000), table.c.id < first_id(now))
        # Grouped at once, the database would walk a whole index for the sake of its order.
        latest = recent.order_by(table.c.id.desc()).limit(_MOST_LOADED).subquery()
        key = (latest.c.tenant_id, latest.c.workflow_id)
        began = (latest.c.created_at // 60_000).label("minute")
        ended = (latest.c.finished_at // 60_000).label("minute")
        count = func.count().label("count")
        started = select(*key, began, count).group_by(*key, began)
        for row in await reader.all(started):
            self._add((row["tenant_id"], row["workflow_id"]), row["minute"], _STARTED, row["count"])
        done = select(*key, latest.c.status, ended, count).where(latest.c.finished_at < now)
        for row in await reader.all(done.group_by(*key, latest.c.status, ended)):
            what = _ENDED[ExecutionStatus(row["status"])]
            self._add((row["tenant_id"], row["workflow_id"]), row["minute"], what, row["count"])

    # --- as it happens

    def committed(self, execution: Execution, decision: Decision) -> None:
        """Called after each commit, in the event loop."""
        if not decision.events:
            return
        at = decision.events[-1][1]
        if decision.touched:
            ended = 0
            for run in decision.touched.values():
                if run.finished_at is not None:
                    ended += 1
            if ended:
                rate = self._steps.get(execution.tenant_id)
                if rate is None:
                    rate = self._steps[execution.tenant_id] = Rate()
                rate.add(ended, at)
        if decision.status_changed:
            self._moved((execution.tenant_id, execution.graph.workflow_id), execution, decision)

    def _moved(self, key: Key, execution: Execution, decision: Decision) -> None:
        before, after = decision.before, execution.status
        if before is None:
            self._happened(key, execution.created_at, _STARTED)
        if before is not after:
            live = self._live.setdefault(key, {})
            if before is not None and before not in FINAL_EXECUTION:
                live[before.value] = live.get(before.value, 0) - 1
            if after not in FINAL_EXECUTION:
                live[after.value] = live.get(after.value, 0) + 1
        if decision.finished and execution.finished_at is not None and after in _ENDED:
            self._happened(key, execution.finished_at, _ENDED[after])

    def _happened(self, key: Key, at: int, what: int) -> None:
        self._add(key, at // 60_000, what, 1)
        totals = self._totals.get(key[0])
        if totals is None:
            totals = self._totals[key[0]] = [0, 0, 0, 0]
        totals[what] += 1

    def _add(self, key: Key, minute: int, what: int, count: int) -> None:
        by_key = self._minutes.get(minute)
        if by_key is None:
            by_key = self._minutes[minute] = {}
            newest = max(self._minutes)
            for old in [known for known in self._minutes if known <= newest - _KEPT_MINUTES]:
                del self._minutes[old]
        counts = by_key.get(key)
        if counts is None:
            counts = by_key[key] = [0, 0, 0, 0]
        counts[what] += count

    # --- what was counted

    def steps(self, tenant_id: str | None, now: int) -> float:
        """Node runs that ended per second, of a tenant or of all."""
        if tenant_id is None:
            return total(self._steps.values(), now)
        rate = self._steps.get(tenant_id)
        return 0.0 if rate is None else rate.per_second(now)

    @property
    def active(self) -> Collection[str]:
        """The tenants of which anything was started or ended since the start of the process."""
        return self._totals.keys()

    def totals(self, tenant_id: str) -> JsonObject:
        """What has happened to a tenant's executions since the start of the process, and its node runs that ended."""
        counts = self._totals.get(tenant_id, [0, 0, 0, 0])
        rate = self._steps.get(tenant_id)
        return {**dict(zip(_NAMES, counts, strict=True)), "steps": 0 if rate is None else rate.total}

    def by(self, group: Callable[[Key], str | None], now: int) -> dict[str, Tally]:
        """What there is, put together by whatever `group` makes of tenant and workflow; None leaves it out."""
        found: dict[str, Tally] = {}
        last = now // 60_000
        for key, live in list(self._live.items()):
            if not any(live.values()):
                del self._live[key]  # Nothing of the workflow runs any more; it may be gone.
                continue
            name = group(key)
            if name is not None:
                found.setdefault(name, Tally(last)).add_live(live)
        for minute, by_key in self._minutes.items():
            for key, counts in by_key.items():
                name = group(key)
                if name is not None and last - _KEPT_MINUTES < minute <= last:
                    found.setdefault(name, Tally(last)).add_minute(minute, counts)
        return found


class Tally:
    """What was counted of one tenant, workflow or all."""

    def __init__(self, last_minute: int) -> None:
        self._last = last_minute
        self._first_interval = last_minute // _INTERVAL - _INTERVALS + 1
        self.live = dict.fromkeys(LIVE, 0)
        self.hour = [0, 0, 0, 0]
        self.intervals = [[0] * _INTERVALS for _ in range(3)]

    @classmethod
    def of(cls, last_minute: int, parts: Iterable[Tally]) -> Tally:
        """Several together."""
        whole = cls(last_minute)
        for part in parts:
            whole.add_live(part.live)
            whole.hour = [*map(sum, zip(whole.hour, part.hour, strict=True))]
            rows = zip(whole.intervals, part.intervals, strict=True)
            whole.intervals = [[*map(sum, zip(one, other, strict=True))] for one, other in rows]
        return whole

    def add_live(self, live: Mapping[str, int]) -> None:
        """So many are in each state."""
        for status, count in live.items():
            self.live[status] += count

    def add_minute(self, minute: int, counts: Sequence[int]) -> None:
        """So many were started, completed, failed and cancelled in a minute."""
        if minute > self._last - _HOUR:
            for what, count in enumerate(counts):
                self.hour[what] += count
        interval = minute // _INTERVAL - self._first_interval
        if 0 <= interval < _INTERVALS:
            for what, row in enumerate(self.intervals):
                row[interval] += counts[what]

    @property
    def known(self) -> bool:
        """Whether there is anything to tell."""
        return any(self.live.values()) or any(self.hour)

    def document(self) -> JsonObject:
        """What is live, and the last hour."""
        hour = dict(zip(_NAMES, self.hour, strict=True))
        return {"executions": {**self.live}, "last_hour": {**hour}}

    def timeline(self) -> JsonObject:
        """The last hour in intervals, the running one last."""
        started, completed, failed = self.intervals
        return {
            "interval": _INTERVAL * 60,
            "since": time(self._first_interval * _INTERVAL * 60_000),
            "started": [*started],
            "completed": [*completed],
            "failed": [*failed],
        }
