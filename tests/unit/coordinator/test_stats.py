"""Counts and rates: what was counted as it happened is what there is."""

from __future__ import annotations

import random

import pytest
from support.driver import START, Driver
from support.graphs import graph

from flowrun.coordinator.counts import LIVE, Counts
from flowrun.coordinator.measures import Durations, Rate
from flowrun.domain import facts as f
from flowrun.domain.node_type import Completed, Failed
from flowrun.domain.states import FINAL_EXECUTION
from flowrun.errors import ConflictError

GRAPH = graph("t -> a -> b; retry a 1; retry b 1")
MINUTE = 60_000


class Counted:
    """A driver whose every commit is counted."""

    def __init__(self, counts, tenant="acme"):
        self.counts = counts
        self.driver = Driver(GRAPH)
        self.driver.execution.tenant_id = tenant

    @property
    def status(self):
        return self.driver.execution.status

    def do(self, what, *arguments):
        getattr(self.driver, what)(*arguments)
        self.counts.committed(self.driver.execution, self.driver.last)


def whole(counts, now=START):
    return counts.by(lambda _key: "", now)[""]


def test_any_course_of_executions_leaves_the_counts_at_what_there_is():
    counts, choose = Counts(), random.Random(7)  # noqa: S311
    all_of_them = []
    for _ in range(300):
        one = choose.choice(all_of_them) if all_of_them and choose.random() < 0.7 else None
        if one is None:
            one = Counted(counts, choose.choice(["acme", "globex"]))
            all_of_them.append(one)
            one.do("start")
            continue
        jobs = list(one.driver.jobs)
        moves = [("send", f.Pause("me")), ("send", f.Resume("me")), ("send", f.Cancel("me")), ("send", f.Retry("me"))]
        moves += [("ended", node, Completed(1)) for node in jobs]
        moves += [("ended", node, Failed("boom", "no", retryable=False)) for node in jobs]
        try:
            one.do(*choose.choice(moves))
        except ConflictError:
            continue
    for tenant, tally in counts.by(lambda key: key[0], START).items():
        there = [one for one in all_of_them if one.driver.execution.tenant_id == tenant]
        live = [one.status.value for one in there if one.status not in FINAL_EXECUTION]
        assert tally.live == {status: live.count(status) for status in LIVE}
        assert tally.document()["last_hour"]["started"] == len(there)
    assert {one.status.value for one in all_of_them} > {"completed", "failed", "paused", "running"}


def test_the_last_hour_and_the_timeline():
    counts = Counts()
    for minutes, outcome in ((0, Completed(1)), (7, Failed("boom", "no", retryable=False)), (61, Completed(1))):
        one = Counted(counts)
        one.driver.now = START + minutes * MINUTE
        one.do("start")
        one.do("ended", "a", outcome)
        if one.driver.jobs:
            one.do("ended", "b", outcome)
    now = START + 61 * MINUTE
    tally = whole(counts, now)
    assert tally.document()["last_hour"] == {"started": 2, "completed": 1, "failed": 1, "cancelled": 0}
    timeline = tally.timeline()
    assert (sum(timeline["completed"]), sum(timeline["failed"]), timeline["started"][-1]) == (1, 1, 1)
    assert len(timeline["started"]) == 12
    assert not counts.by(lambda _key: "", now + 120 * MINUTE)
    assert counts.steps("acme", now + 1000) == 0.3
    assert counts.steps(None, now + 1000) == 0.3


def test_nothing_is_kept_of_minutes_that_nobody_asks_for():
    counts = Counts()
    for minute in range(0, 5000, 10):
        one = Counted(counts)
        one.driver.now = START + minute * MINUTE
        one.do("start")
        one.do("send", f.Terminate("me", None))
    assert len(counts._minutes) < 10


@pytest.mark.parametrize(("after", "rate"), [(0, 0.0), (1, 3.0), (10, 3.0), (11, 0.0), (1000, 0.0)])
def test_a_rate_is_the_mean_of_the_last_whole_seconds(after, rate):
    found = Rate()
    found.add(10, START)
    found.add(20, START + 999)
    assert found.per_second(START + after * 1000) == rate


def test_durations_are_of_the_latest():
    durations = Durations()
    assert durations.document() == {"p50": None, "p99": None}
    for number in range(1000):
        durations.add(number)
    assert durations.document() == {"p50": 750, "p99": 995}
