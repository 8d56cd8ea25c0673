"""JSON and YAML texts, friendly and hostile."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrun.errors import FlowrunError, MalformedError, TooLargeError
from flowrun.formats import read_document, to_json, to_yaml

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("aZ0_ #:-é\n", max_size=8), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("plain", "value"),
    [
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("12", 12),
        ("-7", -7),
        ("0x1F", 31),
        ("0o17", 15),
        ("007", "007"),
        ("1_000", "1_000"),
        ("12:30:00", "12:30:00"),
        ("2025-05-07", "2025-05-07"),
        ("2025-05-07T12:00:00Z", "2025-05-07T12:00:00Z"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.2.3", "1.2.3"),
        ('"true"', "true"),
        ("'12'", "12"),
        ("'{{ input.a }}'", "{{ input.a }}"),
    ],
)
def test_plain_yaml_values(plain, value):
    assert read_document(f"value: {plain}\n") == {"value": value}


@pytest.mark.parametrize(
    ("text", "media_type", "value"),
    [
        ('{"a": 1}', None, {"a": 1}),
        ("\ufeff a: 1", None, {"a": 1}),
        ("{a: 1}", "application/yaml", {"a": 1}),
        ("{a: 1}", "text/yaml; charset=utf-8", {"a": 1}),
        ('{"a": 1}', "application/vnd.flowrun+json", {"a": 1}),
        (' {"a": 1}', "text/plain", {"a": 1}),
    ],
)
def test_json_or_yaml(text, media_type, value):
    assert read_document(text, media_type=media_type) == value
    assert read_document(text.encode(), media_type=media_type) == value


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(8)
)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ('{"a": 1,}', MalformedError, "not valid JSON.* line 1, column 8"),
        ('{"a": NaN}', MalformedError, "not valid JSON.*line 1, column 7"),
        ('{"a": 1e999}', MalformedError, "number"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', MalformedError, "key 'c' occurs twice"),
        ('{"a": 9223372036854775808}', MalformedError, "64 bits"),
        ('{"a": ' + "9" * 10_000 + "}", MalformedError, "64 bits|number"),
        ('{"a": "\\u0000"}', MalformedError, r"U\+0000"),
        ('{"\\u0000": 1}', MalformedError, r"U\+0000"),
        ('{"a": "\\ud800"}', MalformedError, "not valid JSON"),
        ('{"a":' * 65 + "1" + "}" * 65, TooLargeError, "64 levels"),
        ('{"a":' * 100_000, TooLargeError, "64 levels"),
        ('{"a":' + "[" * 900_000, TooLargeError, "64 levels"),
        ('{"a": [' + "1," * 100_000 + "1]}", TooLargeError, "100,000 values"),
        ("[1]", MalformedError, "must be an object"),
        ("just text", MalformedError, "must be an object"),
        ("", MalformedError, "empty"),
        ("# only a comment", MalformedError, "empty"),
        (b"\xff\xfe", MalformedError, "UTF-8"),
        ("\ud800", MalformedError, "UTF-8"),
        (b"x" * 2 * 1024 * 1024, TooLargeError, "1024 KiB"),
        ("ü" * 600 * 1024, TooLargeError, "1024 KiB"),
        ("a: 1\nb: [", MalformedError, "not valid YAML.* line "),
        ("a: 1\na: 2", MalformedError, "'a' occurs twice in one mapping at line 2, column 1"),
        ("1: a", MalformedError, "must be a text.* line 1, column 1"),
        ("? [a]\n: b", MalformedError, "must be a text"),
        ("a: &x 1", MalformedError, "Anchors and aliases.* line 1, column 4"),
        ("a: *x", MalformedError, "Anchors and aliases"),
        (BOMB, MalformedError, "Anchors and aliases"),
        ("a: !!python/object/apply:os.system [id]", MalformedError, "Tags"),
        ("a: !!set {b, c}", MalformedError, "Tags"),
        ("a: .nan", MalformedError, "not a number in JSON.* line 1"),
        ("a: 1e999", MalformedError, "too large.* line 1"),
        ("a: 99999999999999999999", MalformedError, "64 bits.* line 1, column 4"),
        ('a: "\\0"', MalformedError, r"U\+0000"),
        ("a: 1\n---\nb: 2", MalformedError, "one document at line 2"),
        ("a: " + "[" * 65 + "]" * 65, TooLargeError, "64 levels"),
        ("a: " + "[" * 900_000, TooLargeError, "64 levels"),
        ("\n".join(" " * n + "a:" for n in range(1200)), TooLargeError, "64 levels"),
        ("a: [" + "1," * 100_001 + "]", TooLargeError, "100,000 values"),
        ("a: \x07", MalformedError, "not valid YAML"),
    ],
)
def test_refuses(text, error, message):
    with pytest.raises(error) as caught:
        read_document(text)
    assert re.search(message, str(caught.value))


def test_depth_of_64_is_possible():
    assert read_document('{"a":' * 64 + "1" + "}" * 64)
    assert read_document("a: " + "[" * 63 + "]" * 63)


@given(JSON)
def test_yaml_and_json_read_back(value):
    document = {"value": value}
    assert read_document(to_json(document)) == document
    assert read_document(to_yaml(document)) == document


@given(st.text() | st.text("{}[]:,-&*!|>'\"% \n#ab1?~.@`") | st.binary())
def test_any_text_is_read_or_refused(text):
    with suppress(FlowrunError):
        assert isinstance(read_document(text), dict)
