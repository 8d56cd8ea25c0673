"""Secrets in expressions: only where they come out as they went in."""

from __future__ import annotations

import pytest

from flowrun.domain.expression import ExpressionSyntaxError, compile_expression, compile_template

MARKS = {"secrets": {"A": "<a>", "B": "<b>"}, "input": {"x": "v", "yes": True}}


@pytest.mark.parametrize(
    ("source", "value", "refs"),
    [
        ("secrets.A", "<a>", {"A"}),
        ('secrets["A"]', "<a>", {"A"}),
        ("'Bearer ' + secrets.A", "Bearer <a>", {"A"}),
        ("secrets.A + ':' + secrets.B + input.x", "<a>:<b>v", {"A", "B"}),
        ("secrets.A if input.yes else secrets.B", "<a>", {"A", "B"}),
        ("[secrets.A, {'k': secrets.B}]", ["<a>", {"k": "<b>"}], {"A", "B"}),
        ("input.x", "v", set()),
    ],
)
def test_a_secret_is_put_into_a_text(source, value, refs):
    expression = compile_expression(source)
    assert expression.secret_refs == refs
    assert expression.evaluate(MARKS, now=0) == value
    assert expression.evaluate(MARKS, now=0, strict=True) == value


@pytest.mark.parametrize(
    "source",
    [
        "len(secrets.A)", "secrets.A.upper()", "secrets.A[0]", "secrets.A.b", "secrets.A == 'x'", "not secrets.A",
        "secrets.A and 1", "secrets.A or ''", "-secrets.A", "secrets.A * 2", "1 if secrets.A else 2",
        "'x' in secrets.A", "sha256('a' + secrets.A)", "[secrets.A][0]", "{'k': secrets.A}.k", "input[secrets.A]",
        "{secrets.A: 1}", "[secrets.A for i in [1]]", "[i for i in secrets.A]", "secrets", "secrets[input.x]",
        "secrets['a b']", "secrets.items()", "join([secrets.A], '')", "secrets.A[1:]",
        "[secrets for secrets in [1]] + secrets.A",
    ],
)  # fmt: skip
def test_nothing_looks_into_a_secret(source):
    with pytest.raises(ExpressionSyntaxError, match=r"secret"):
        compile_expression(source)


def test_a_loop_variable_of_that_name_is_no_secret():
    assert compile_expression("[secrets.a for secrets in input.l]").secret_refs == frozenset()


def test_templates_know_the_secrets_of_all_their_strings():
    template = compile_template({"h": {"Auth": "Bearer {{ secrets.A }}"}, "l": ["{{ secrets.B }}", "plain"]})
    assert template.secret_refs == {"A", "B"}
    assert template.evaluate(MARKS, now=0) == {"h": {"Auth": "Bearer <a>"}, "l": ["<b>", "plain"]}
    assert compile_template({"a": "{{ input.x }}"}).secret_refs == frozenset()


def test_a_secret_in_an_object_is_not_written_into_a_longer_text():
    assert compile_template("{{ {'k': secrets.A} }}").evaluate(MARKS, now=0) == {"k": "<a>"}
    with pytest.raises(ExpressionSyntaxError, match="cannot be part of a longer text") as caught:
        compile_template({"body": "sent: {{ [secrets.A] }}"})
    assert (caught.value.path, caught.value.position) == ("body", 8)
