"""What is promised of every execution whatever happens, held against the journal of the outside and the database."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
from faults.journal import Journal
from support.invariants import check_database

SLACK_MS = 2
"""Stored times are cut to whole milliseconds."""
LAST_WORDS_MS = 100
"""What a process sent before its death may be read after its death has been noted."""
Row = dict[str, Any]


def hold(database: Path, journal: Journal, *, in_flight: int) -> None:
    """Hold all promises against what happened; `in_flight` is how many calls there were at most at a time."""
    check_database(database)  # That also reads the file for damage, and folds every history.
    events = _events(database)
    calls = journal.of("call")
    each_acceptance_has_one_execution_that_ended_well(database, journal)
    what_an_execution_starts_is_started_once(database)
    no_call_is_ahead_of_its_commit_or_behind_its_result(events, calls)
    a_call_is_repeated_only_after_a_failure_or_a_kill(calls, journal.of("killed"), in_flight)
    each_timer_fires_once_and_not_early(events)
    each_scheduled_time_starts_one_execution(database)


def hold_history(database: Path) -> None:
    """Hold what the database alone can tell of."""
    check_database(database)
    events = _events(database)
    no_call_is_ahead_of_its_commit_or_behind_its_result(events, [])
    each_timer_fires_once_and_not_early(events)
    each_scheduled_time_starts_one_execution(database)


def each_acceptance_has_one_execution_that_ended_well(database: Path, journal: Journal) -> None:
    accepted = {line["key"]: line["execution"] for line in journal.of("accepted")}
    executions = {row["id"]: row for row in rows(database, "SELECT * FROM executions")}
    assert len(set(accepted.values())) == len(accepted)
    found = {execution for execution, row in executions.items() if row["trigger_type"] == "webhook"}
    assert set(accepted.values()) == found, "what was accepted is not what there is"
    given_up = {row["execution_id"] for row in rows(database, "SELECT * FROM node_executions WHERE lost >= 4")}
    due = {row["id"]: "failed" if row["workflow_id"] == "alarm" else "completed" for row in executions.values()}
    odd = [row for row in executions.values() if row["status"] != due[row["id"]] and row["id"] not in given_up]
    assert not odd, odd[:3]


def what_an_execution_starts_is_started_once(database: Path) -> None:
    started = Counter(row["workflow_id"] for row in rows(database, "SELECT workflow_id FROM executions"))
    done = Counter(
        row["node_id"] for row in rows(database, "SELECT * FROM execution_events WHERE type = 'NodeCompleted'")
    )
    failed = rows(database, "SELECT id FROM executions WHERE workflow_id = 'alarm' AND status = 'failed'")
    assert (started["child"], started["listener"], started["called"]) == (done["call"], done["tell"], len(failed))


def no_call_is_ahead_of_its_commit_or_behind_its_result(events: dict[str, list[Row]], calls: list[Row]) -> None:
    queued, completed = {}, {}
    for key, run in events.items():
        ends = [place for place, event in enumerate(run) if event["type"] == "NodeCompleted"]
        assert len(ends) <= 1, f"{key} has completed twice"
        if ends:
            late = [e["type"] for e in run[ends[0] :] if e["type"] in {"NodeQueued", "NodeStarted", "NodeRetrying"}]
            assert not late, f"{key} has completed, and then {late}"
            completed[key] = run[ends[0]]["at"]
        queued[key] = next((event["at"] for event in run if event["type"] == "NodeQueued"), None)
    for call in calls:
        began = queued.get(call["key"])
        assert began is not None, f"{call} belongs to no committed attempt"
        assert call["at"] >= began - SLACK_MS, f"{call} began {began - call['at']} ms before it was committed"
        assert call["at"] <= completed.get(call["key"], call["at"]) + SLACK_MS, (
            f"{call} began after its result was there"
        )


def a_call_is_repeated_only_after_a_failure_or_a_kill(calls: list[Row], kills: list[Row], in_flight: int) -> None:
    by_key: dict[str, list[Row]] = defaultdict(list)
    for call in calls:
        by_key[call["key"]].append(call)
    repeated = 0
    for key, mine in by_key.items():
        for first, second in pairwise(mine):
            if first["status"] < 500:
                repeated += 1
                between = [kill for kill in kills if first["at"] - LAST_WORDS_MS <= kill["at"] <= second["at"]]
                assert between, f"{key} was called twice, and nothing had happened in between"
    assert repeated <= len(kills) * in_flight


def each_timer_fires_once_and_not_early(events: dict[str, list[Row]]) -> None:
    for key, run in events.items():
        naps = [event for event in run if event["type"] == "NodeWaiting"]
        assert len(naps) <= 1, f"{key} waits again"
        for event, after in pairwise(run):
            due = (event["data"] or {}).get("due_at")
            if due is not None:
                assert after["at"] >= due, f"{key} goes on {due - after['at']} ms early"
            if event["type"] == "NodeRetrying":
                assert after["type"] == "NodeQueued", f"{key}: {after['type']} after its retry was set"


def each_scheduled_time_starts_one_execution(database: Path) -> None:
    fires = rows(database, "SELECT * FROM schedule_fires ORDER BY schedule_id, scheduled_at")
    started = [fire["execution_id"] for fire in fires if fire["execution_id"]]
    assert len(set(started)) == len(started)
    found = rows(database, "SELECT id, created_at FROM executions WHERE trigger_type = 'schedule'")
    created = {row["id"]: row["created_at"] for row in found}
    assert set(started) == set(created)
    for before, after in pairwise(fires):
        if before["schedule_id"] == after["schedule_id"]:
            assert after["scheduled_at"] - before["scheduled_at"] == 1000, "each second once, and none left out"
    assert all(fire["execution_id"] is None or created[fire["execution_id"]] >= fire["scheduled_at"] for fire in fires)


def rows(database: Path, query: str) -> list[Row]:
    """What the database holds, over a connection of the test's own."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]


def _events(database: Path) -> dict[str, list[Row]]:
    """The history of each node run, by its idempotency key."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows(database, "SELECT * FROM execution_events WHERE node_id IS NOT NULL ORDER BY execution_id, seq"):
        row["data"] = row["data"] and orjson.loads(row["data"])
        found[f"{row['execution_id']}:{row['node_id']}:{row['iteration'] or ''}"].append(row)
    return found
