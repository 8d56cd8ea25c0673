"""The feed: whatever the order of changes, reads and reconnects, a reader misses nothing, or is told that it did."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from types import SimpleNamespace

import orjson
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from support.driver import Driver
from support.graphs import graph

from flowrun.coordinator.feed import MOST_PER_PRINCIPAL, Feed
from flowrun.domain.node_type import Completed, Failed
from flowrun.domain.turn import Decision
from flowrun.errors import TooManyRequestsError, UnavailableError
from flowrun.ports import StreamPosition

GRAPH = graph("t -> a -> b; retry a 1")
CAPACITY = 5


class Executions:
    """Executions that change, and the number of the latest event of each as it was committed."""

    def __init__(self, feed):
        self.feed = feed
        self.seqs = {}

    def change(self, name):
        execution = Driver(GRAPH).execution
        execution.id = name
        self.seqs[name] = execution.seq = self.seqs.get(name, 0) + 1
        self.feed.committed(execution, Decision())


def sent(change):
    return orjson.loads(change.frame.split(b"data: ")[1])


class Reader:
    """One client with what it knows: it may be told late, but never twice, and never nothing."""

    def __init__(self, feed, executions):
        self.feed, self.executions = feed, executions
        self.open = ExitStack()
        self.known = {}
        """By execution: the latest number of an event that it was sent, or had when it loaded its lists."""
        self.last_number = 0
        self.position = None
        self.connect()

    def connect(self):
        self.reader = self.open.enter_context(self.feed.reading("key"))
        found = None if self.position is None else self.reader.resume(self.position)
        if found is not StreamPosition.RESUMED:
            self.load()
        self.position = self.reader.position

    def load(self):
        """As a client does at a resync."""
        self.known = dict(self.executions.seqs)
        self.last_number = int(self.reader.position.partition("-")[2])

    def take(self, most):
        changes = self.reader.take(most)
        if changes is None:
            self.load()
        else:
            for change in changes:
                assert change.number > self.last_number, "in order, and never twice"
                self.last_number = change.number
                document = sent(change)
                assert document["seq"] > self.known.get(document["id"], 0), "nothing that it knew already"
                self.known[document["id"]] = document["seq"]
        self.position = self.reader.position
        return changes

    def disconnect(self):
        self.open.close()
        self.reader = None


class FeedMachine(RuleBasedStateMachine):
    readers = Bundle("readers")

    @initialize()
    def begin(self):
        self.feed = Feed(3, CAPACITY)
        self.executions = Executions(self.feed)
        self.all = []

    @rule(target=readers)
    def connect(self):
        if len(self.all) == 4:
            return multiple()
        self.all.append(Reader(self.feed, self.executions))
        return self.all[-1]

    @rule(name=st.sampled_from("abcdefgh"))
    def change(self, name):
        self.executions.change(name)

    @rule(number=st.integers(1, 20))
    def change_much(self, number):
        for _ in range(number):
            self.executions.change("hot")

    @rule(reader=readers, most=st.integers(1, 6))
    def read(self, reader, most):
        if reader.reader is not None:
            reader.take(most)

    @rule(reader=readers)
    def leave_or_return(self, reader):
        if reader.reader is None:
            reader.connect()
        else:
            reader.disconnect()

    @rule(reader=readers)
    def catch_up(self, reader):
        if reader.reader is None:
            reader.connect()
        while reader.take(3) != []:
            pass
        assert reader.known == self.executions.seqs

    @invariant()
    def bounded(self):
        if hasattr(self, "feed"):
            assert len(self.feed._changes) <= CAPACITY


TestFeedMachine = FeedMachine.TestCase


def test_a_reader_that_is_never_further_behind_than_the_capacity_is_never_told_to_load_anew():
    feed = Feed(1, CAPACITY)
    executions = Executions(feed)
    with feed.reading("key") as reader:
        for _ in range(100):
            for name in "abcde":
                executions.change(name)
            assert len(reader.take(10)) == CAPACITY


def test_many_changes_of_one_execution_cost_one_place():
    feed = Feed(1, CAPACITY)
    executions = Executions(feed)
    with feed.reading("key") as reader:
        executions.change("a")
        for _ in range(1000):
            executions.change("hot")
        assert [(sent(change)["id"], sent(change)["seq"]) for change in reader.take(10)] == [("a", 1), ("hot", 1000)]


def test_nothing_is_kept_before_the_first_reader_nor_long_after_the_last():
    feed = Feed(1, CAPACITY)
    executions = Executions(feed)
    executions.change("a")
    assert not feed._changes
    with feed.reading("key") as reader:
        executions.change("a")
        reader.take(10)
        position = reader.position
    executions.change("b")
    assert feed._changes
    for _ in range(CAPACITY):
        executions.change("c")
    assert not feed._changes
    with feed.reading("key") as reader:
        assert reader.resume(position) is StreamPosition.GONE


@pytest.mark.parametrize(
    ("position", "found"),
    [
        ("2-1", StreamPosition.EPOCH),
        ("3-999", StreamPosition.GONE),
        ("3-0", StreamPosition.GONE),
        *[(text, StreamPosition.UNREADABLE) for text in ("", "3", "-", "3-", "-1", "3--1", "3-²", "x-1", "3-1\n2")],
        ("3-" + "9" * 5000, StreamPosition.UNREADABLE),
    ],
)
def test_a_position_that_is_not_known_begins_anew(position, found):
    feed = Feed(3, CAPACITY)
    with feed.reading("key") as reader:
        assert reader.resume(position) is found
        Executions(feed).change("a")
        assert len(reader.take(9)) == 1


async def test_news_wake_every_reader():
    feed = Feed(1, CAPACITY)
    executions = Executions(feed)
    with feed.reading("one") as one, feed.reading("other") as other:
        executions.change("a")
        await one.news()
        one.take(9)
        waiting = asyncio.create_task(one.news())
        await asyncio.sleep(0)
        await asyncio.wait_for(other.news(), 1)
        other.take(9)
        assert not waiting.done()
        executions.change("a")
        await asyncio.wait_for(waiting, 1)
        await asyncio.wait_for(other.news(), 1)


async def test_who_watches_one_execution_hears_of_that_one_alone():
    feed = Feed(1, CAPACITY)
    executions = Executions(feed)
    with feed.watching("key", "a") as first, feed.watching("key", "a") as second:
        executions.change("b")
        assert not first.is_set()
        executions.change("a")
        assert (first.is_set(), second.is_set()) == (True, True)
    assert not feed._watched
    assert feed.streams == 0


async def test_closing_ends_every_wait_and_lets_nobody_in():
    feed = Feed(1, CAPACITY)
    with feed.reading("key") as reader, feed.watching("key", "a") as watching:
        waits = [asyncio.create_task(reader.news()), asyncio.create_task(watching.wait())]
        await asyncio.sleep(0)
        feed.close()
        await asyncio.wait_for(asyncio.gather(*waits), 1)
    with pytest.raises(UnavailableError), feed.reading("key"):
        pass


def test_a_key_has_so_many_streams_and_no_more():
    feed = Feed(1, CAPACITY)
    with ExitStack() as held:
        for _ in range(MOST_PER_PRINCIPAL):
            held.enter_context(feed.reading("key"))
        with pytest.raises(TooManyRequestsError), feed.watching("key", "a"):
            pass
        held.enter_context(feed.reading("other"))
    with feed.reading("key"):
        assert feed.streams == 1


def test_the_summary_is_that_of_the_commit_not_of_what_came_later():
    feed = Feed(1)
    driver = Driver(GRAPH)
    with feed.reading("key") as reader:
        driver.start({"big": "payload"})
        feed.committed(driver.execution, driver.last)
        (change,) = reader.take(9)
        driver.ended("a", Completed(1))
        document = sent(change)
    assert document["status"] == "running"
    assert document["nodes"] == {"total": 3, "done": 1, "failed": 0, "running": ["a"], "failed_at": None}


def test_where_the_nodes_stand_from_commit_to_commit():
    feed, driver, found = Feed(1), Driver(GRAPH), []
    with feed.reading("key") as reader:
        steps = (
            driver.start,
            lambda: driver.ended("a", Completed(1)),
            lambda: driver.ended("b", Failed("boom", "no", retryable=False)),
        )
        for step in steps:
            step()
            feed.committed(driver.execution, driver.last)
            (change,) = reader.take(9)
            found.append(sent(change))
    nodes = [document["nodes"] for document in found]
    assert [(one["done"], one["failed"], one["running"], one["failed_at"]) for one in nodes] == [
        (1, 0, ["a"], None),
        (2, 0, ["b"], None),
        (3, 1, [], "b"),
    ]
    assert (found[-1]["status"], found[-1]["duration"]) == ("failed", 0.0)


def test_definitions_are_told_of_too():
    feed = Feed(7)
    with feed.reading("key") as reader:
        feed.changed("workflow", "acme", "triage")
        feed.changed("workflow", "acme", "triage")
        (change,) = reader.take(9)
    head = f"id: 7-{change.number}\nevent: changed\ndata: "
    assert change.frame.decode() == head + '{"kind":"workflow","tenant_id":"acme","id":"triage"}\n\n'


def test_of_a_deleted_execution_nothing_is_told_but_that():
    driver = Driver(GRAPH)
    driver.start()
    feed = Feed(7)
    with feed.reading("key") as reader:
        feed.committed(driver.execution, driver.last)
        feed.changed("execution", "acme", driver.execution.id)
        (change,) = reader.take(9)
    assert change.document() == {"kind": "execution", "tenant_id": "acme", "id": driver.execution.id}


def test_telling_costs_next_to_nothing_while_nobody_listens():
    feed, execution, decision = Feed(1), SimpleNamespace(id="a"), Decision()
    began = time.perf_counter()
    for _ in range(10_000):
        feed.committed(execution, decision)
    assert (time.perf_counter() - began) / 10_000 < 5e-6
