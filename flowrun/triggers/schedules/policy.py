"""What becomes of the times of a schedule that have come due: the misfire and overlap policies, as a pure decision."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from flowrun.domain.json import JsonObject
from flowrun.triggers.schedules.timing import Timing

MOST_AT_ONCE = 1_000
"""Times decided in one turn; what is left comes in the next."""
_SHOWN = 100
"""Times that are passed over together get a row each up to so many, and one row for all beyond it."""


class Misfire(StrEnum):
    """What becomes of times that could not be started within the grace."""

    SKIP = "skip"
    COALESCE = "coalesce"
    ALL = "all"


class Overlap(StrEnum):
    """What becomes of a time that comes while an execution of the schedule still runs."""

    ALLOW = "allow"
    SKIP = "skip"
    QUEUE = "queue"
    CANCEL_PREVIOUS = "cancel_previous"


class Decision(StrEnum):
    """What became of a time."""

    FIRED = "fired"
    CANCELLED_PREVIOUS = "cancelled_previous"
    """Fired, and what still ran was cancelled."""
    COALESCED = "coalesced"
    """A later missed time was fired in its stead."""
    SKIPPED_MISFIRE = "skipped_misfire"
    SKIPPED_OVERLAP = "skipped_overlap"
    QUEUED = "queued"
    """It is fired when what still runs has ended."""
    DROPPED = "dropped"
    """It was queued, and the schedule was stopped before its turn came."""
    FAILED = "failed"
    """The execution could not be started: the reason says why."""
    TRIGGERED = "triggered"
    """Started by hand."""


STARTS = frozenset({Decision.FIRED, Decision.CANCELLED_PREVIOUS})
"""The decisions that start an execution."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The policies of a schedule; `grace` is in ms."""

    misfire: Misfire
    max_n: int
    grace: int
    overlap: Overlap

    @classmethod
    def of(cls, config: JsonObject) -> Policy:
        """The policies in the checked params of a schedule node."""
        grace, max_n = config.get("grace"), config.get("max_n")
        return cls(
            misfire=Misfire(str(config.get("misfire") or Misfire.COALESCE)),
            max_n=max_n if isinstance(max_n, int) else 100,
            grace=round(grace * 1000) if isinstance(grace, int | float) else 60_000,
            overlap=Overlap(str(config.get("overlap") or Overlap.SKIP)),
        )


@dataclass(frozen=True, slots=True)
class Fire:
    """A time, in ms, and what becomes of it. With `through` it stands for every time up to that one."""

    scheduled_at: int
    decision: Decision
    reason: str | None = None
    through: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of everything that is due, in the order of time, and when the schedule comes due again."""

    fires: list[Fire]
    next_at: int | None


def decide_fires(timing: Timing, policy: Policy, due_at: int, now: int, *, running: bool, queued: bool) -> Plan:
    """Decide over every time from `due_at` up to `now` (ms); `due_at` is one of them.

    `running` says whether an execution of the schedule has not ended, `queued` whether a time waits for its end.
    """
    passed: list[Fire] = []
    first: int | None = due_at
    if due_at < now - policy.grace:
        first, passed = _misfired(timing, policy, due_at, now)
    due: list[int] = []
    while first is not None and first <= now and len(due) < MOST_AT_ONCE:
        due.append(first)
        first = timing.next_after(first)
    fires = list(passed)
    for at in due:
        fire = _overlapping(policy.overlap, at, running=running, queued=queued)
        running = running or fire.decision in STARTS
        queued = queued or fire.decision is Decision.QUEUED
        fires.append(fire)
    return Plan(fires, first)


def _misfired(timing: Timing, policy: Policy, due_at: int, now: int) -> tuple[int | None, list[Fire]]:
    """The first time that is to be fired, and what becomes of those before it."""
    if policy.misfire is Misfire.SKIP:
        first = timing.next_after(now - policy.grace - 1)
        reason = f"could not be started within the grace of {policy.grace / 1000:g} s"
        return first, _passed_over(timing, due_at, first, now, Decision.SKIPPED_MISFIRE, reason)
    if policy.misfire is Misfire.COALESCE:
        first = latest(timing, due_at, now, 1)
        reason = "was missed, and a later time is fired for it"
        return first, _passed_over(timing, due_at, first, now, Decision.COALESCED, reason)
    first = latest(timing, due_at, now, policy.max_n)
    reason = f"was missed, and more than {policy.max_n} times were (max_n)"
    return first, _passed_over(timing, due_at, first, now, Decision.SKIPPED_MISFIRE, reason)


def latest(timing: Timing, due_at: int, now: int, count: int) -> int:
    """Where the last `count` times up to `now` begin; `due_at` when there are no more than that.

    A schedule may have missed millions: the place is found by halving, never by walking.
    """
    if _count(timing, due_at, now, count + 1) <= count:
        return due_at
    begin, end = due_at, now
    while end - begin > 1:
        middle = (begin + end) // 2
        first = timing.next_after(middle - 1)
        found = 0 if first is None or first > now else _count(timing, first, now, count + 1)
        if found == count and first is not None:
            return first
        begin, end = (middle, end) if found > count else (begin, middle)
    # Two times within a millisecond cannot be: a place with exactly `count` after it was met before.
    return timing.next_after(begin) or begin


def _count(timing: Timing, first: int, now: int, most: int) -> int:
    found, at = 0, timing.next_after(first - 1)
    while at is not None and at <= now and found < most:
        found += 1
        at = timing.next_after(at) if found < most else None
    return found


def _passed_over(timing: Timing, begin: int, end: int | None, now: int, decision: Decision, reason: str) -> list[Fire]:
    """A row for each time from `begin` to before `end`; one row for all when they are very many."""
    stop = now + 1 if end is None or end > now else end
    fires: list[Fire] = []
    at: int | None = begin
    while at is not None and at < stop:
        if len(fires) == _SHOWN:
            last = latest(timing, begin, stop - 1, 1)
            return [Fire(begin, decision, f"{reason}; so was every time after it up to the last", last)]
        fires.append(Fire(at, decision, reason))
        at = timing.next_after(at)
    return fires


def _overlapping(overlap: Overlap, at: int, *, running: bool, queued: bool) -> Fire:
    if overlap is Overlap.ALLOW or not (running or queued):
        return Fire(at, Decision.FIRED)
    if overlap is Overlap.CANCEL_PREVIOUS:
        return Fire(at, Decision.CANCELLED_PREVIOUS, "the execution before it had not ended, and was cancelled")
    if overlap is Overlap.SKIP:
        return Fire(at, Decision.SKIPPED_OVERLAP, "the execution before it had not ended")
    if queued:
        return Fire(at, Decision.SKIPPED_OVERLAP, "the execution before it had not ended, and another time waits")
    return Fire(at, Decision.QUEUED, "waits until the execution before it has ended")
