"""What a person fills in is read into values of the right types, or refused with every mistake."""

from __future__ import annotations

import pytest

from flowrun.domain.forms import Answer, read_answer
from flowrun.errors import InvalidInputError


def form(*fields, approval=False):
    return {"approval": approval, "fields": [{"label": field["name"], "required": False, **field} for field in fields]}


@pytest.mark.parametrize(
    ("kind", "sent", "value"),
    [
        ("text", " a ", "a"),
        ("textarea", "a\r\nb", "a\nb"),
        ("number", "12", 12),
        ("number", "1.5", 1.5),
        ("number", 3, 3),
        ("boolean", "on", True),
        ("boolean", "false", False),
        ("boolean", None, False),
        ("boolean", True, True),
        ("email", "ann@example.com", "ann@example.com"),
        ("date", "2030-01-31", "2030-01-31"),
        ("select", "b", "b"),
        ("text", "", None),
        ("number", "", None),
    ],
)
def test_value_is_read(kind, sent, value):
    answer = read_answer(form({"name": "x", "type": kind, "options": ["a", "b"]}), {"x": sent})
    assert answer == Answer({"x": value})
    assert type(answer.data["x"]) is type(value)


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("text", 5),
        ("text", "x" * 10_001),
        ("number", "many"),
        ("number", "nan"),
        ("number", True),
        ("boolean", "perhaps"),
        ("boolean", []),
        ("email", "ann"),
        ("date", "tomorrow"),
        ("select", "c"),
        ("select", ["a"]),
    ],
)
def test_wrong_value_is_refused_by_the_name_of_its_field(kind, sent):
    with pytest.raises(InvalidInputError) as refused:
        read_answer(form({"name": "x", "type": kind, "options": ["a", "b"]}), {"x": sent})
    assert [issue.path for issue in refused.value.issues] == ["x"]


def test_every_mistake_is_told_at_once():
    asked = form({"name": "a", "type": "text", "required": True}, {"name": "b", "type": "number"}, approval=True)
    with pytest.raises(InvalidInputError) as refused:
        read_answer(asked, {"b": "x", "c": 1})
    assert [issue.path for issue in refused.value.issues] == ["approved", "a", "b", "c"]


def test_without_a_form_whatever_was_sent_is_the_data():
    assert read_answer(None, [1, {"a": None}]) == Answer([1, {"a": None}])
