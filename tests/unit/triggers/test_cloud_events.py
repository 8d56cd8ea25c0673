"""CloudEvents 1.0: what the specification allows is taken, everything else is named at once."""

from __future__ import annotations

import pytest

from flowrun.errors import InvalidInputError
from flowrun.triggers.cloud_events import batch, binary, structured

GOOD = {"specversion": "1.0", "id": "1", "source": "/x", "type": "order.paid"}
EXAMPLE = {
    "specversion": "1.0",
    "type": "com.github.pull_request.opened",
    "source": "https://github.com/cloudevents/spec/pull",
    "subject": "123",
    "id": "A234-1234-1234",
    "time": "2018-04-05T17:31:00Z",
    "comexampleextension1": "value",
    "comexampleothervalue": 5,
    "datacontenttype": "text/xml",
    "data": '<much wow="xml"/>',
}


def issues(document, read=structured):
    with pytest.raises(InvalidInputError) as caught:
        read(document)
    return {issue.path: issue.message for issue in caught.value.issues}


def test_the_example_of_the_specification():
    event = structured(EXAMPLE)
    assert (event.id, event.type, event.source) == (EXAMPLE["id"], EXAMPLE["type"], EXAMPLE["source"])
    assert event.data == EXAMPLE["data"]
    assert event.attributes == {k: v for k, v in EXAMPLE.items() if k not in ("specversion", "data")}


def test_data_may_be_anything_or_nothing():
    assert structured(GOOD).data is None
    assert structured({**GOOD, "data": None}).data is None
    assert structured({**GOOD, "data": [1, {"a": None}]}).data == [1, {"a": None}]
    assert structured({**GOOD, "data_base64": "AQI="}).data == {"base64": "AQI="}


def test_everything_wrong_is_said_at_once():
    found = issues({"specversion": "0.3", "id": "", "source": "a b", "time": "yesterday", "Bad-Name": 1, "ext": {}})
    assert set(found) == {"specversion", "id", "source", "type", "time", "Bad-Name", "ext"}
    assert found["type"] == "is required"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"id": 5}, "id"), ({"id": "x" * 2000}, "id"), ({"type": "a b"}, "type"), ({"type": "order.*"}, "type"),
        ({"source": None}, "source"), ({"subject": ""}, "subject"), ({"subject": "a\nb"}, "subject"),
        ({"datacontenttype": "json"}, "datacontenttype"), ({"dataschema": "<>"}, "dataschema"),
        ({"time": "2026-01-31"}, "time"), ({"time": "2026-01-31T12:00:00"}, "time"), ({"time": 5}, "time"),
        ({"ext": 2**31}, "ext"), ({"ext": 1.5}, "ext"), ({"ext": []}, "ext"), ({"EXT": "x"}, "EXT"),
        ({"data": 1, "data_base64": "AQI="}, "data_base64"), ({"data_base64": "?"}, "data_base64"),
        ({"data_base64": 5}, "data_base64"),
    ],
)  # fmt: skip
def test_each_rule(change, path):
    assert list(issues({**GOOD, **change})) == [path]


@pytest.mark.parametrize("value", [[], "x", 1, None])
def test_no_object(value):
    assert issues(value) == {"": "must be an object"}


def test_binary_mode():
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "1",
        "ce-source": "/x",
        "ce-type": "t",
        "ce-subject": "Euro%20%E2%82%AC",
    }
    event = binary({**headers, "x-other": "1"}, "application/json; charset=utf-8", {"n": 1})
    assert event.attributes["subject"] == "Euro €"
    assert event.attributes["datacontenttype"] == "application/json; charset=utf-8"
    assert event.data == {"n": 1}
    assert "x-other" not in event.attributes


def test_binary_issues_name_the_headers():
    found = issues({"ce-id": "1", "ce-data": "x", "ce-type": "a b"}, lambda headers: binary(headers, "", None))
    assert set(found) == {"ce-specversion", "ce-source", "ce-data", "ce-type"}


def test_a_batch():
    assert [event.id for event in batch([GOOD, {**GOOD, "id": "2"}])] == ["1", "2"]
    found = issues([GOOD, {**GOOD, "id": ""}, 5], batch)
    assert set(found) == {"[1].id", "[2]"}
    assert issues([], batch).keys() == {""} == issues([GOOD] * 101, batch).keys() == issues({}, batch).keys()
