"""The documentation is what the code says, and its examples hold."""

import json
import re
from pathlib import Path

import pytest

from flowrun.domain.expression import FUNCTIONS, compile_expression, compile_template, reference
from flowrun.domain.expression.methods import METHODS

DOCUMENT = Path(__file__).parents[4] / "docs" / "expressions.md"
SPECS = [*FUNCTIONS.values(), *(method for methods in METHODS.values() for method in methods.values())]
SCOPE = {
    "input": {
        "total": 150,
        "name": "Ada",
        "tags": ["a", "b"],
        "nothing": None,
        "items": [{"price": 2, "sold": True}, {"price": 3, "sold": False}],
    },
    "trigger": {"body": {"kind": "order", "from": "Oslo"}},
}


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.example)
def test_the_example_of(spec):
    source, _, result = spec.example.rpartition(" → ")
    assert spec.name in source
    value = compile_expression(source).evaluate(SCOPE, now=0)
    assert (value, type(value)) == (json.loads(result), type(json.loads(result)))


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.group + "." + spec.name)
def test_every_function_says_what_it_gives(spec):
    assert re.fullmatch(r"[A-Z].{8,200}\.", spec.doc)


def test_the_document_holds_the_reference():
    assert reference() in DOCUMENT.read_text()


def _document_examples():
    for line in DOCUMENT.read_text().partition("## Functions")[0].splitlines():
        if match := re.fullmatch(r"\| `(.+)` \| `(.+)` \|", line):
            yield match.groups()


@pytest.mark.parametrize(("text", "result"), list(_document_examples()))
def test_the_example_in_the_document(text, result):
    text = text.replace("\\|", "|")
    if "{{" in text:
        value = compile_template(text).evaluate(SCOPE, now=0)
    else:
        value = compile_expression(text).evaluate(SCOPE, now=0)
    assert value == json.loads(result)
