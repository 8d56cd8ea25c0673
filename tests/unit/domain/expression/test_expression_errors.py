"""What is no expression, and what fails when it is evaluated: the messages, and where they point."""

import pytest

from flowrun.domain.expression import ExpressionError, ExpressionSyntaxError, compile_expression

SCOPE = {
    "input": {"total": 150, "name": "Ada", "none": None, "items": [{"n": 1}, {"n": 2}]},
    "trigger": {"body": {"kind": "x"}},
}


def evaluate(source, *, strict=False):
    return compile_expression(source).evaluate(SCOPE, now=0, strict=strict)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("null + 1", "a value is missing"),
        ("input.x > 1", "a value is missing"),
        ("'a' + 1", "text(value)"),
        ("1 / 0", "division by zero"),
        ("1 // 0", "division by zero"),
        ("1 % 0", "division by zero"),
        ("0 ** -1", "negative power"),
        ("9223372036854775807 + 1", "64 bits"),
        ("2 ** 63", "64 bits"),
        ("-(-9223372036854775807 - 1)", "64 bits"),
        ("10 ** 10 ** 10", "64 bits"),
        ("(-8) ** 0.5", "no such power"),
        ("1e308 * 10", "too large"),
        ("10.0 ** 400", "too large"),
        ("'%d' % 1", "remainder"),
        ("1 < 'a'", "cannot order"),
        ("{} < {}", "cannot order"),
        ("1 in 2", "holds nothing"),
        ("1 in 'a'", "text holds text"),
        ("[1][[]]", "cannot be an index"),
        ("[1]['a':]", "whole numbers"),
        ("'a'[::0]", "cannot be 0"),
        ("{1 + 1: 2}", "must be text"),
        ("{x: 1 for x in [1]}", "must be text"),
        ("[x for x in null]", "a value is missing"),
        ("[a for a, b in [[1]]]", "2 loop variables"),
        ("null.lower()", "before it is missing"),
        ("(1).lower()", "no method"),
        ("[1].lower()", "no method"),
        ("lower(1)", "text must be text, not a number"),
        ("'a'.index('b')", "does not hold"),
        ("','.join([1])", "only text"),
        ("int('x')", "not a whole number"),
        ("float('nan')", "not a finite"),
        ("sqrt(-1)", "negative"),
        ("str(true)", "text()"),
        ("date('2026-02-30')", "exists"),
        ("date('x')", "not a date"),
        ("date('2026-01-01', 'No/Where')", "time zone"),
        ("format_date(0, '%Q')", "%Q"),
        ("date_add('9999-12-31', '10d')", "years 1 to 9999"),
        ("parse_duration('1y')", "duration"),
        ("match('(', 'a')", "not valid"),
        ("match('a' * 1001, 'a')", "longer than"),
        ("match('(?=a)', 'a')", "not valid"),
        ("regex_replace('a', '\\\\3', 'a')", "no group 3"),
        ("parse_json('{')", "not JSON"),
        ("parse_json('NaN')", "no number"),
        ("parse_json('1e999')", "too large"),
        (r"parse_json('\"\\ud800\"')", "half a character"),
        ("unbase64('/w==')", "not the base64"),
        ("hash('a', 'crc')", "must be one of"),
        ("uuid5('x', 'a')", "namespace"),
        ("range(1, 2, 0)", "cannot be 0"),
        ("sum(['a'])", "cannot add"),
        ("'a'.split('')", "empty"),
        ("fixed(1, 101)", "0 to 100"),
        ("group_by([{'a': []}], 'a')", "cannot name a group"),
    ],
)
def test_fails(source, message):
    with pytest.raises(ExpressionError) as caught:
        evaluate(source)
    assert message in str(caught.value)
    assert caught.value.source == source
    assert caught.value.position is None or 0 <= caught.value.position < len(source)


@pytest.mark.parametrize(
    ("source", "message", "position"),
    [
        ("", "empty", 0),
        ("  ", "empty", 0),
        ("1 +", "invalid syntax", None),
        ("a b", "invalid syntax", None),
        ("(1", "never closed", 0),
        ("1)", "nothing opens", 1),
        ("[1)", "nothing opens", 2),
        ("'a", "never closed", 0),
        ("a $ b", "'$'", 2),
        ("a # b", "'#'", 2),
        ("é", "ASCII", 0),
        ("'é' + ?", "'?'", 6),
        ("lambda: 1", "not part", 0),
        ("(x := 1)", None, None),
        ("f(*a)", None, None),
        ("len(*a)", "unpack", 4),
        ("dict(**a)", "unpack", None),
        ("{1, 2}", "a set", 0),
        ("{x for x in a}", "a set", 0),
        ("{**a}", "merge", None),
        ("[*a]", "unpack", 1),
        ("f'{a}'", "cannot begin", 0),
        ("b'a'", "cannot begin", 0),
        ("1j", "not a number", 0),
        ("1.real", "not a number", 0),
        ("__import__('os')", "underscores", 0),
        ("input.__class__", "underscores", 6),
        ("await x", "not part", 0),
        ("yield", "not part", 0),
        ("lenn([])", "did you mean 'len'", 0),
        ("'a'.uper()", "did you mean 'upper'", 0),
        ("number('1')", "no function 'number'; write float(value) or int(value)", 0),
        ("'a'.toUpperCase()", "no method 'toUpperCase'; write upper(text)", 0),
        ("is_empty(a)", "no function 'is_empty'; write not value", 0),
        ("input.list.filter(x)", "write [x for x in items if", 0),
        ("a === b", "'===' is not part of the language; write ==", 2),
        ("a !== b", "'!==' is not part of the language; write !=", 2),
        ("a.map(x => x.b)", "'=>' is not part of the language; write [x.n for x in items]", 8),
        ("a ? b : c", "'?' is not part of the language; write a if condition else b", 2),
        ("a ?? b", "'??' is not part of the language; write default(a, b)", 2),
        ("a?.b", "'?.' is not part of the language; write a.b", 1),
        ("a | upper", "'|' is not part of the language; write function(value)", 2),
        ("$json.a", "'$' is not part of the language; write input", 0),
        ("`a`", "'`' is not part of the language; write 'text'", 0),
        ("upper.x()", "no method", 0),
        ("startswith('a', 'b')", "a method", 0),
        ("'a'.sha256()", "a function", 0),
        ("len()", "missing", 0),
        ("len(1, 2)", "too many", 7),
        ("len(x=1)", "no argument 'x'", None),
        ("len(1, value=2)", "given twice", None),
        ("'a'.count()", "missing", 0),
        ("input.get('a')()", "only functions", 0),
        ("(len)(1)()", "only functions", 0),
        ("1 is 1", "'is' compares", 5),
        ("1 is (2)", "'is' compares", 6),
        ("9223372036854775808", "64 bits", 0),
        ("1e999", "too large", 0),
        ("0777", "leading zeros", None),
        ("{1: 2}", "must be text", 1),
        ("a[1, 2]", "one index", 2),
        ("a[]", None, None),
        ("1 << 2", None, None),
        ("a @ b", "'@'", 2),
        ("~1", "'~'", 0),
        ("a | b", "'|'", 2),
        ("[x for true in a]", "loop variable", 7),
        ("[x for x.y in a]", "loop variable", None),
        ("[x async for x in a]", "not part", 3),
        (r"'\N{DIGIT ONE}'", "not part", 0),
        (r"'\777'", "octal", 0),
        (r"'\ud800'", "half", 0),
        (r"'\x1'", None, None),
        ("\ud800", "half", 0),
        ("'\ud800'", "half", 1),
        ("a\0", "'\\x00'", 1),
        ("1" * 9000, "longer than", None),
        ("1" * 5000, None, None),
        ("(" * 60 + "1" + ")" * 60, "too deeply", 48),
        ("-" * 4000 + "1", "too deeply", 48),
        ("not " * 2000 + "1", "too deeply", None),
        ("1" + "+1" * 4000, "too deeply", None),
        ("1" + "**1" * 2000, "too deeply", None),
        ("1" + " if 1 else 1" * 600, "too deeply", None),
        ("a" + ".b" * 4000, "too deeply", None),
        ("a" + "[0]" * 2000, "too deeply", None),
        ("[1 " + "for x in y " * 600 + "]", "too deeply", None),
        ("len.x()", "no method", None),
        ("a.b(x for x in y)", "no method", None),
    ],
)
def test_is_no_expression(source, message, position):
    with pytest.raises(ExpressionSyntaxError) as caught:
        compile_expression(source)
    assert message is None or message in str(caught.value)
    assert position is None or caught.value.position == position
    assert "__keyword" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("missing", "missing is not there"),
        ("input.x", "input has no key 'x'"),
        ("input.a.b", "input has no key 'a'"),
        ("input.items[5]", "input.items has no element 5"),
        ("input.none.x", "input.none is null"),
        ("input.name.x", "input.name is text"),
        ("trigger.body['x']", "trigger.body has no key 'x'"),
        ("[x.y for x in input.items]", "x has no key 'y'"),
    ],
)
def test_strict_mode_names_what_is_missing(source, message):
    evaluate(source)
    with pytest.raises(ExpressionError) as caught:
        evaluate(source, strict=True)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "source",
    [
        "default(input.x, 1)",
        "coalesce(x.y, 1)",
        "1 if is_null(input.x.y) else 0",
        "get(input, 'x', 1)",
        "input.get('x', 1)",
    ],
)
def test_strict_mode_lets_a_fallback_stand_in(source):
    assert evaluate(source, strict=True) == 1


def test_invalid_patterns_are_not_logged(capfd):
    with pytest.raises(ExpressionError):
        evaluate("match('(((', 'a')")
    assert capfd.readouterr() == ("", "")


def test_where_an_error_happened():
    with pytest.raises(ExpressionError) as caught:
        evaluate("'é' + upper(lower(1))")
    assert caught.value.position == 12
    assert str(caught.value) == "lower(): text must be text, not a number"
