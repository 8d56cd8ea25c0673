"""What can be done in which state, as the service decides it."""

from __future__ import annotations

import pytest

from flowrun.domain.states import ExecutionStatus, NodeStatus
from tui import actions as a
from tui.filters import STATES

FINAL = {"completed", "failed", "cancelled", "timed_out"}
ALLOWED = {
    a.PAUSE: {"queued", "running", "waiting"},
    a.RESUME: {"paused"},
    a.CANCEL: {"queued", "running", "waiting", "paused"},
    a.TERMINATE: {"queued", "running", "waiting", "paused", "cancelling"},
    a.RETRY: {"failed", "cancelled", "timed_out"},
    a.RERUN: set(STATES),
    a.RERUN_FROM: FINAL,
    a.SIGNAL: {"waiting", "running", "paused"},
    a.SKIP: {"queued", "running", "waiting", "paused"},
}
_NODE = {"node_id": "n", "iteration": "", "status": "waiting"}


def test_the_states_are_those_of_the_service():
    assert set(STATES) == {status.value for status in ExecutionStatus}
    assert {status.value for status in NodeStatus} >= a.SKIPPABLE


@pytest.mark.parametrize("action", a.EXECUTION_ACTIONS, ids=lambda action: action.name)
@pytest.mark.parametrize("status", STATES)
def test_each_state_allows_what_the_service_allows(action, status):
    reason = a.why_not(action, {"id": "e", "status": status}, _NODE)
    assert (reason is None) is (status in ALLOWED[action]), reason


def test_keys_are_not_given_twice():
    assert len({action.key for action in a.EXECUTION_ACTIONS}) == len(a.EXECUTION_ACTIONS)


@pytest.mark.parametrize("status", [status.value for status in NodeStatus])
def test_only_a_node_that_is_under_way_is_skipped(status):
    reason = a.why_not(a.SKIP, {"id": "e", "status": "running"}, {**_NODE, "status": status})
    assert (reason is None) is (status in {"queued", "running", "retrying", "waiting"})


def test_there_is_a_reason_without_an_execution_a_node_or_outside_a_loop():
    ended = {"id": "e", "status": "failed"}
    assert a.why_not(a.PAUSE, None) == "no execution is selected"
    assert a.why_not(a.RERUN_FROM, ended) == "no node is selected"
    assert "loop" in str(a.why_not(a.RERUN_FROM, ended, {**_NODE, "iteration": "3"}))


def test_nothing_is_possible_without_a_connection_or_with_readonly():
    assert a.unusable(readonly=False, connected=True, link="live") is None
    assert "--readonly" in str(a.unusable(readonly=True, connected=True, link="live"))
    assert "reconnecting" in str(a.unusable(readonly=False, connected=False, link="reconnecting"))
