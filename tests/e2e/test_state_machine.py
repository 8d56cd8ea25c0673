"""Every command in every state of an execution, over HTTP; the workers call a real server."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import httpx2
import pytest
from e2e.client import Api, is_problem, until
from e2e.stubborn import installed
from support import plain_http
from support.service import Service

WORK = """
id: work
nodes:
  - {id: in, type: manual}
  - {id: slow, type: http, retry: {max_attempts: 1}, params: {method: POST, url: "{{ vars.api }}/{{ input.place }}"}}
  - {id: after, type: http, params: {url: "{{ vars.api }}/{{ nodes.in.output.place }}/after"}}
edges: [in -> slow, slow -> after]
"""
SLEEP = """
id: sleep
nodes:
  - {id: in, type: manual}
  - {id: slow, type: delay, params: {for: 1h}}
  - {id: after, type: noop}
edges: [in -> slow, slow -> after]
"""
STUBBORN = """
id: stubborn
nodes:
  - {id: in, type: manual}
  - {id: slow, type: stubborn, params: {file: "{{ input.file }}"}}
edges: [in -> slow]
"""
STEPS = """
id: steps
nodes:
  - {id: in, type: manual}
  - {id: first, type: http, params: {method: POST, url: "{{ vars.api }}/{{ input.place }}/first"}}
  - {id: second, type: http, retry: {max_attempts: 1}, params: {method: POST, url: "{{ vars.api }}/{{ nodes.in.output.place }}/second", body: {version: 1, n: "{{ nodes.in.output.n }}"}}}
  - {id: third, type: http, params: {method: POST, url: "{{ vars.api }}/{{ nodes.in.output.place }}/third"}}
edges: [in -> first, first -> second, second -> third]
"""  # noqa: E501 - one node a line reads better

NO = "409"
SAME = "202, and nothing happens"
NEW = "202, and a new execution"
STATES = {
    # pause, resume, cancel, terminate, retry, skip
    "running": ("paused", SAME, "cancelled", "cancelled", NO, "completed"),
    "waiting": ("paused", SAME, "cancelled", "cancelled", NO, "completed"),
    "paused": (SAME, "waiting", "cancelled", "cancelled", NO, "paused"),
    "cancelling": (NO, NO, SAME, "cancelled", NO, NO),
    "completed": (NO, NO, NO, NO, NO, NO),
    "failed": (NO, NO, NO, NO, "completed", NO),
    "cancelled": (NO, NO, SAME, SAME, "completed", NO),
    "timed_out": (NO, NO, NO, NO, "timed_out", NO),
}
"""What comes of each command in a state; a rerun is possible in all of them."""
NAMES = ("pause", "resume", "cancel", "terminate", "retry", "skip", "rerun")
CELLS = [
    (state, name, outcome) for state, row in STATES.items() for name, outcome in zip(NAMES, (*row, NEW), strict=True)
]
COMMANDS = {"skip": "nodes/slow/skip"}
EVENTS = {
    "pause": "ExecutionPaused",
    "resume": "ExecutionResumed",
    "cancel": "CancelRequested",
    "terminate": "ExecutionCancelled",
    "retry": "ExecutionRetried",
    "skip": "NodeCompleted",
}
"""What each command is in the history."""
_places = count()


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    base = tmp_path_factory.mktemp("s")
    service = Service(base / "data", http_allow="127.0.0.1", log_level="warning")
    service.variables["PYTHONPATH"] = installed(base / "plugin")
    with service:
        yield service


@pytest.fixture(scope="module")
def api(service, neighbour):
    with service.operator() as client:
        api = Api(client)
        for source in (WORK, SLEEP, STUBBORN, STEPS):
            api.save(source + f"variables: {{api: '{neighbour.url}'}}\n")
        api.save(SLEEP.replace("id: sleep", "id: brief") + "timeout: 200ms\n")
        yield api


@pytest.fixture
def place():
    """A path of the stand-in that no other test calls."""
    return f"place-{next(_places)}"


class World:
    """Brings an execution into a state, and lets its world go on."""

    def __init__(self, api: Api, neighbour, place: str, file: Path) -> None:
        self.api, self.neighbour, self.place, self.file = api, neighbour, place, file
        self.path = f"/{place}"

    def bring(self, state: str) -> str:
        return getattr(self, f"_{state}")()

    def _running(self) -> str:
        self.neighbour.hold(self.path)
        execution = self.api.start("work", {"place": self.place})
        until("the worker calls", lambda: self.neighbour.called(self.path))
        return execution

    def _waiting(self) -> str:
        execution = self.api.start("sleep")
        self.api.reaches(execution, "waiting")
        return execution

    def _paused(self) -> str:
        execution = self._waiting()
        assert self.api.command(execution, "pause").status_code == 202
        return execution

    def _cancelling(self) -> str:
        execution = self.api.start("stubborn", {"file": str(self.file)})
        until("the node is with a worker", lambda: self.api.nodes(execution)["slow"]["status"] == "running")
        assert self.api.command(execution, "cancel", {"reason": "enough"}).json()["status"] == "cancelling"
        return execution

    def _completed(self) -> str:
        execution = self.api.start("work", {"place": self.place})
        self.api.reaches(execution, "completed")
        return execution

    def _failed(self) -> str:
        self.neighbour.answers[self.path] = (400, {"no": True})
        execution = self.api.start("work", {"place": self.place})
        self.api.reaches(execution, "failed")
        del self.neighbour.answers[self.path]
        return execution

    def _cancelled(self) -> str:
        execution = self._running()
        self.api.command(execution, "cancel")
        self.api.reaches(execution, "cancelled")
        self.neighbour.release(self.path)
        return execution

    def _timed_out(self) -> str:
        execution = self.api.start("brief")
        self.api.reaches(execution, "timed_out")
        return execution


@pytest.fixture
def world(api, neighbour, place, tmp_path):
    world = World(api, neighbour, place, tmp_path / "go")
    yield world
    world.file.touch()


@pytest.mark.parametrize(("state", "name", "outcome"), CELLS, ids=[f"{state}-{name}" for state, name, _ in CELLS])
def test_a_command_does_what_the_state_allows(api, world, state, name, outcome):
    execution = world.bring(state)
    assert api.execution(execution)["status"] == state
    before = api.history(execution)
    answer = api.command(execution, COMMANDS.get(name, name))
    if outcome is NO:
        assert state in is_problem(answer, 409, "conflict")["detail"]
        assert api.history(execution) == before
    elif outcome is NEW:
        assert answer.status_code == 202
        a_rerun_is_another_execution(api, execution, answer)
    else:
        assert answer.status_code == 202, answer.text
        assert answer.json()["execution_id"] == execution
        added = api.history(execution)[len(before) :]
        if outcome is SAME:
            assert added == []
            assert answer.json()["status"] == state
        else:
            assert [event["data"].get("by") for event in added if event["type"] == EVENTS[name]][:1] == ["operator"]
            api.reaches(execution, outcome)


def a_rerun_is_another_execution(api: Api, execution: str, answer: httpx2.Response) -> None:
    again = answer.json()
    assert again["execution_id"] != execution
    assert again["rerun_of"] == execution
    (created,) = api.history(again["execution_id"], "ExecutionCreated")
    assert created["data"]["by"] == "operator"
    assert api.execution(again["execution_id"])["rerun_of"] == execution
    api.command(again["execution_id"], "terminate")


def test_many_pauses_at_once_are_one(api, world):
    execution = world.bring("waiting")
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: api.command(execution, "pause"), range(20)))
    assert [answer.status_code for answer in answers] == [202] * 20
    assert len(api.history(execution, "ExecutionPaused")) == 1


def test_the_history_says_who_asked_and_why(api, world, service):
    made = api.ask("POST", "/keys", json={"name": "ops", "scopes": ["read", "run"]})
    execution = world.bring("running")
    with plain_http.client(service.url, headers={"Authorization": f"Bearer {made['key']}"}) as client:
        ops = Api(client)
        ops.command(execution, "pause", {"reason": "a look"})
        ops.command(execution, "resume")
        ops.command(execution, "cancel", {"reason": "no use"})
    api.reaches(execution, "cancelled")
    told = {kind: api.history(execution, kind)[0]["data"] for kind in EVENTS.values() if api.history(execution, kind)}
    for kind in ("ExecutionPaused", "ExecutionResumed", "CancelRequested"):
        assert told[kind]["by"] == f"key:{made['id']}"
    assert told["ExecutionPaused"]["reason"] == "a look"
    assert told["CancelRequested"]["reason"] == "no use"
    assert api.execution(execution)["reason"] == "no use"


def test_cancel_reaches_the_worker_at_work(api, neighbour, world):
    execution = world.bring("running")
    api.command(execution, "cancel")
    until("the worker hangs up", lambda: [call for call in neighbour.hung_up if call.path == world.path])
    assert api.reaches(execution, "cancelled")["finished_at"] is not None
    assert api.nodes(execution)["slow"]["status"] == "cancelled"
    assert neighbour.called(f"{world.path}/after") == []


def test_terminate_waits_for_no_worker(api, world):
    execution = world.bring("cancelling")
    assert api.command(execution, "terminate").json()["status"] == "cancelled"
    world.file.touch()
    assert api.nodes(execution)["slow"]["status"] == "cancelled"


def test_a_cancelled_node_that_finishes_all_the_same_keeps_its_result(api, world):
    execution = world.bring("cancelling")
    world.file.touch()
    assert api.ends(execution)["status"] == "cancelled"
    assert api.nodes(execution)["slow"]["status"] in {"completed", "cancelled"}


def test_pause_lets_what_runs_finish_and_starts_nothing_until_the_resumption(api, neighbour, world):
    execution = world.bring("running")
    api.command(execution, "pause")
    neighbour.release(world.path)
    until("the running node ends", lambda: api.nodes(execution)["slow"]["status"] == "completed")
    assert api.execution(execution)["status"] == "paused"
    assert neighbour.called(f"{world.path}/after") == []
    api.command(execution, "resume")
    assert api.ends(execution)["status"] == "completed"
    (resumed,) = api.history(execution, "ExecutionResumed")
    queued = {event["node_id"]: event["seq"] for event in api.history(execution, "NodeQueued")}
    assert queued["after"] > resumed["seq"]
    assert len(neighbour.called(f"{world.path}/after")) == 1


def test_a_skipped_node_has_the_operators_output_and_the_late_answer_counts_for_nothing(api, neighbour, world):
    execution = world.bring("running")
    answer = api.command(execution, "nodes/slow/skip", {"output": {"by": "hand"}})
    assert answer.status_code == 202
    neighbour.release(world.path)
    assert api.ends(execution)["status"] == "completed"
    run = api.nodes(execution)["slow"]
    assert (run["status"], run["output"]) == ("completed", {"by": "hand"})
    assert [event["data"]["by"] for event in api.history(execution, "NodeCompleted") if event["node_id"] == "slow"] == [
        "operator"
    ]


@pytest.mark.parametrize(("node", "status"), [("in", 409), ("after", 409), ("nowhere", 404)])
def test_only_a_node_that_is_under_way_can_be_skipped(api, world, node, status):
    execution = world.bring("running")
    is_problem(api.command(execution, f"nodes/{node}/skip"), status)


def test_retry_runs_what_failed_again_and_nothing_that_was_done(api, neighbour, place):
    neighbour.answers[f"/{place}/second"] = (400, {"no": True})
    execution = api.start("steps", {"place": place, "n": 1})
    failed = api.reaches(execution, "failed")
    assert failed["error"]["node_id"] == "second"
    del neighbour.answers[f"/{place}/second"]
    assert api.command(execution, "retry").status_code == 202
    assert api.ends(execution)["status"] == "completed"
    assert calls(neighbour, place) == {"first": 1, "second": 2, "third": 1}
    assert api.execution(execution)["error"] is None


def calls(neighbour, place: str) -> dict[str, int]:
    return {name: len(neighbour.called(f"/{place}/{name}")) for name in ("first", "second", "third")}


def sent(neighbour, place: str) -> list[dict[str, object]]:
    return [json.loads(call.body) for call in neighbour.called(f"/{place}/second")]


def rerun(api: Api, execution: str, **body: object) -> str:
    answer = api.command(execution, "rerun", body)
    assert answer.status_code == 202, answer.text
    again = str(answer.json()["execution_id"])
    assert api.ends(again)["status"] == "completed"
    return again


def test_rerun_from_a_node_uses_the_version_that_is_asked_for(api, neighbour, place):
    source = STEPS.replace("id: steps", f"id: {place}") + f"variables: {{api: '{neighbour.url}'}}\n"
    api.save(source)
    execution = api.start(place, {"place": place, "n": 1})
    assert api.ends(execution)["status"] == "completed"
    api.save(source.replace("version: 1", "version: 2"))
    original = rerun(api, execution, from_node="second", version="original")
    current = rerun(api, execution, from_node="second", version="current")
    assert [body["version"] for body in sent(neighbour, place)] == [1, 1, 2]
    assert [api.execution(one)["version"] for one in (execution, original, current)] == [1, 1, 2]
    assert calls(neighbour, place) == {"first": 1, "second": 3, "third": 3}


def test_rerun_takes_another_input_from_the_beginning_and_from_a_node(api, neighbour, place):
    execution = api.start("steps", {"place": place, "n": 1})
    assert api.ends(execution)["status"] == "completed"
    again = rerun(api, execution, input={"place": place, "n": 2})
    rerun(api, execution, from_node="second", input={"place": place, "n": 3})
    rerun(api, execution)
    assert [body["n"] for body in sent(neighbour, place)] == [1, 2, 3, 1]
    assert calls(neighbour, place) == {"first": 3, "second": 4, "third": 4}
    assert api.execution(again)["input"] == {"place": place, "n": 2}


def test_rerun_from_a_node_needs_an_end_and_a_node_that_exists(api, world):
    execution = world.bring("running")
    assert "running" in is_problem(api.command(execution, "rerun", {"from_node": "after"}), 409)["detail"]
    api.command(execution, "terminate")
    is_problem(api.command(execution, "rerun", {"from_node": "nowhere"}), 404)


def test_one_command_reaches_all_that_a_filter_names_and_says_what_it_could_not_do(api, world):
    running, done = world.bring("waiting"), world.bring("completed")
    answer = api.ask("POST", "/executions:bulk", json={"action": "cancel", "ids": [running, done], "reason": "all"})
    assert (answer["matched"], answer["done"], answer["failed"]) == (2, 1, 1)
    wrong = next(one for one in answer["results"] if one["execution_id"] == done)
    assert "completed" in wrong["error"]["message"]
    assert api.reaches(running, "cancelled")["reason"] == "all"
