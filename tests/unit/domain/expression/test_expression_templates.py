"""JSON values with expressions in their strings."""

import pytest

from flowrun.domain.expression import (
    ExpressionError,
    ExpressionLimitError,
    ExpressionSyntaxError,
    compile_template,
    template_issues,
)

SCOPE = {
    "input": {"n": 1, "f": 1.5, "t": "x", "yes": True, "none": None, "l": [1, "a"], "d": {"k": None}},
    "nodes": {"a": {"output": 2}},
}


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("{{ input.n }}", 1),
        ("  {{ input.l }}\n", [1, "a"]),
        ("{{input.none}}", None),
        ("n={{ input.n }}", "n=1"),
        ("{{ input.f }}{{ input.yes }}{{ input.none }}", "1.5true"),
        ("{{ input.l }} {{ input.d }}", '[1,"a"] {"k":null}'),
        ('{{ {"a": {"b": 1}} }}', {"a": {"b": 1}}),
        ('{{{"a":1}}}', {"a": 1}),
        ('{{ "}}" }}', "}}"),
        ("{{ '{{' }} x", "{{ x"),
        ("a } b }} {{ 1 }}", "a } b }} 1"),
        ("{ {{ 1 }} }", "{ 1 }"),
        ({"a": ["{{ input.n }}", 2, {"b": "{{ input.t }}!"}]}, {"a": [1, 2, {"b": "x!"}]}),
        ({"b": 1, "a": "{{ 2 }}", "c": {"x": [1]}}, {"b": 1, "a": 2, "c": {"x": [1]}}),
        ("{{ 'it\\'s }}' }}", "it's }}"),
        ("{{ [x for x in {'a': 1}] }}", ["a"]),
    ],
)
def test_filled(value, result):
    template = compile_template(value)
    filled = template.evaluate(SCOPE, now=0)
    assert filled == result
    assert type(filled) is type(result)
    assert not template.constant
    if isinstance(filled, dict):
        assert list(filled) == list(result)


@pytest.mark.parametrize("value", [None, 1, "a", "{ x }", [], {"a": ["b", {"{{ key }}": 1}]}])
def test_constant(value):
    template = compile_template(value)
    assert template.constant
    assert template.evaluate({}, now=0) is value


def test_references_are_united():
    template = compile_template({"a": "{{ nodes.x.output }}", "b": ["{{ nodes.y }} {{ vars.z }}", "{{ nodes[item] }}"]})
    assert template.names == {"nodes", "vars", "item"}
    assert template.node_refs == {"x", "y"}
    assert template.dynamic_nodes


@pytest.mark.parametrize(
    ("value", "path", "position"),
    [
        ({"headers": {"X": ["a", "b", "{{ 1 + }}"]}}, "headers.X[2]", None),
        ("{{ a", "", 0),
        ("x {{ 'a }}", "", 5),
        ("{{ }}", "", None),
        ("ab {{ a $ b }}", "", 8),
        ("  {{ a $ b }}", "", 7),
        (["{{ " + "a" * 9000 + " }}"], "[0]", 0),
        ("{{ {1, 2} }}", "", 3),
        ({"a": "{{ lenn(1) }}"}, "a", 3),
    ],
)
def test_syntax_errors_tell_where(value, path, position):
    with pytest.raises(ExpressionSyntaxError) as caught:
        compile_template(value)
    assert caught.value.path == path
    assert position is None or caught.value.position == position


def test_all_issues_are_found():
    value = {"a": "{{ 1 + }}", "b": ["{{ 1 }}", "{{ x", {"c": "{{ nope() }}"}]}
    issues = template_issues(value)
    assert [path for path, _ in issues] == ["a", "b[1]", "b[2].c"]
    assert all(isinstance(error, ExpressionSyntaxError) for _, error in issues)
    assert [error.path for _, error in issues] == ["a", "b[1]", "b[2].c"]


def test_the_budget_is_one_for_all():
    text = "{{ len(range(60000)) }}"
    assert compile_template([text] * 3).evaluate({}, now=0) == [60000] * 3
    with pytest.raises(ExpressionLimitError):
        compile_template([text] * 4).evaluate({}, now=0)


def test_the_size_of_the_whole_counts():
    scope = {"input": [0] * 60_000}
    compile_template({"a": "{{ input }}"}).evaluate(scope, now=0)
    with pytest.raises(ExpressionLimitError):
        compile_template({"a": "{{ input }}", "b": "{{ input }}"}).evaluate(scope, now=0)


def test_errors_name_their_expression():
    with pytest.raises(ExpressionError) as caught:
        compile_template({"a": "x {{ 1 / 0 }}"}).evaluate({}, now=0)
    assert caught.value.source.strip() == "1 / 0"


def test_strict_mode():
    template = compile_template("{{ input.x }}")
    assert template.evaluate(SCOPE, now=0) is None
    with pytest.raises(ExpressionError):
        template.evaluate(SCOPE, now=0, strict=True)


def test_filling_leaves_the_template_as_it_is():
    value = {"a": "{{ input.n }}", "b": {"c": "{{ input.t }}"}}
    template = compile_template(value)
    template.evaluate(SCOPE, now=0)
    assert value == {"a": "{{ input.n }}", "b": {"c": "{{ input.t }}"}}
    assert template.evaluate(SCOPE, now=0) == {"a": 1, "b": {"c": "x"}}
