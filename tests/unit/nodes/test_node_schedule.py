"""The params of the schedule trigger: all that is wrong is said at once."""

from __future__ import annotations

import pytest

from flowrun.domain.definition import NodeDefinition
from flowrun.formats import read_document
from flowrun.nodes.types.schedule import ScheduleTrigger


def issues(**params):
    return {
        issue.path: str(issue) for issue in ScheduleTrigger().issues(NodeDefinition("n", "schedule", params=params))
    }


def test_everything_that_is_wrong_is_said_at_once():
    found = issues(
        cron="0 9 * * FUN", every="5x", timezone="berlin", misfire="skipp", max_n=0, grace=-1, overlap="x", bogus=1
    )
    assert set(found) == {"cron", "every", "timezone", "misfire", "max_n", "grace", "overlap", "bogus"}
    assert "Europe/Berlin" in found["timezone"]
    assert "did you mean 'skip'?" in found["misfire"]


@pytest.mark.parametrize(
    ("params", "path", "message"),
    [
        ({}, "cron", "give `cron` or `every` or `at`"),
        ({"cron": "@daily", "every": "5m"}, "every", "not both"),
        ({"cron": 5}, "cron", "must be a text such as"),
        ({"cron": "{{ trigger.cron }}"}, "cron", "field"),
        ({"cron": "0 0 30 2 *"}, "cron", "never comes"),
        ({"every": "500ms"}, "every", "must be whole seconds"),
        ({"every": "0s"}, "every", "must be whole seconds"),
        ({"every": "11000d"}, "every", "longer than ten years"),
        ({"at": []}, "at", "must not be empty"),
        ({"at": "2030-01-01"}, "at", "must be a list"),
        ({"at": ["soon"]}, "at[0]", "must be a time such as"),
        ({"at": ["2030-01-01T00:00:00.5Z"]}, "at[0]", "must be whole seconds"),
        ({"at": ["0001-01-01T00:00:00"]}, "at[0]", "must be from 1970"),
        ({"cron": "@daily", "timezone": "+02:00"}, "timezone", "is no time zone"),
        ({"cron": "@daily", "timezone": 2}, "timezone", "must be the name of a time zone"),
        ({"cron": "@daily", "max_n": 5}, "max_n", "counts with `misfire: all` alone"),
        ({"cron": "@daily", "misfire": "skip", "maxN": 5}, "maxN", "counts with `misfire: all` alone"),
        ({"cron": "@daily", "grace": "31d"}, "grace", "must be at most"),
    ],
)  # fmt: skip
def test_what_is_wrong(params, path, message):
    assert message in issues(**params)[path]


@pytest.mark.parametrize(
    "params",
    [
        {"cron": "0 9 * * MON-FRI", "timezone": "Europe/Berlin"},
        {"every": "1h30m", "misfire": "all", "max_n": 10, "overlap": "queue"},
        {"at": ["2030-01-01T09:00", "2030-01-01T09:00:00Z"], "overlap": "cancel_previous", "grace": 0},
    ],
)
def test_what_is_right(params):
    assert issues(**params) == {}


def test_times_in_yaml_need_no_quotes():
    document = read_document(b"params: {at: [2030-01-31T09:00:00Z, 2030-02-01T09:00]}")
    assert issues(**document["params"]) == {}
    assert ScheduleTrigger().check(document["params"])["at"] == ["2030-01-31T09:00:00+00:00", "2030-02-01T09:00:00"]
