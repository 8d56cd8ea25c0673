"""The filter line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tui.filters import Filter, FilterError, parse

_NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_states_workflows_ages_and_text():
    wanted = parse("status:failed,timed workflow:triage since:2h 7f3a")
    assert wanted == Filter(("failed", "timed_out"), "triage", timedelta(hours=2), "7f3a")
    assert str(wanted) == "status:failed,timed_out workflow:triage since:2h 7f3a"
    assert parse(str(wanted)) == wanted
    assert wanted.params(_NOW) == {
        "status": ["failed", "timed_out"],
        "workflow": "triage",
        "since": "2026-11-22T10:00:00+00:00",
        "q": "7f3a",
    }


def test_live_is_every_state_that_goes_on():
    assert set(parse("is:live").status) == {"queued", "running", "waiting", "paused", "cancelling"}


def test_nothing_is_everything():
    assert parse("  ").empty
    assert not any(parse("").params(_NOW).values())


@pytest.mark.parametrize("text", ["status:red", "colour:red", "since:tomorrow", "since:5"])
def test_what_is_not_understood_is_said(text):
    with pytest.raises(FilterError):
        parse(text)


def test_news_is_filtered_as_the_service_filters_the_list():
    made = "2026-11-22T11:58:00Z"
    summary = {"id": "0199aa", "status": "failed", "workflow_id": "triage", "created_at": made}
    assert parse("status:failed workflow:triage 0199").shows(summary, _NOW)
    assert parse("tri").shows(summary, _NOW)
    assert not parse("status:completed").shows(summary, _NOW)
    assert not parse("workflow:tri").shows(summary, _NOW)
    assert not parse("99aa").shows(summary, _NOW)
    assert parse("TRI since:2m").shows(summary, _NOW)
    assert not parse("since:1m").shows(summary, _NOW)
