"""No expression takes more time or memory than its budget, whatever it tries."""

import contextlib
import time
import tracemalloc

import pytest

from flowrun.domain.expression import ExpressionError, ExpressionLimitError, compile_expression, compile_template
from flowrun.domain.expression.budget import BUDGET, Frame

SCOPE = {"input": {"l": [0] * 20000 + [1], "d": {str(i): i for i in range(5000)}, "t": "é" * 100_000}}
LETS = " ".join(f"for x{i + 1} in [[x{i}, x{i}]]" for i in range(40))
DOUBLE = " ".join(f"for x{i + 1} in [x{i} + x{i}]" for i in range(40))
PAIR = " ".join(f"for x{i + 1} in [[x{i}, x{i}]] for y{i + 1} in [[y{i}, y{i}]]" for i in range(22))

BEYOND = {
    "text times": '"a" * 10**9',
    "text times, wide": '"é" * 10**7',
    "list times": "[0] * 10**9",
    "range": "range(10**12)",
    "range beyond what Python can count": "len(range(-2**62, 2**62))",
    "nested loops": "[1 for a in range(1000) for b in range(1000) for c in range(1000)]",
    "nested comprehensions": "[[c for c in range(1000)] for a in range(1000)]",
    "many loops": "[1 " + " ".join(f"for a{i} in [1, 2]" for i in range(40)) + "]",
    "lazy loops": "any(false for a in range(100000) for b in range(100000))",
    "text doubled": f"[x40 for x0 in ['ab'] {DOUBLE}]",
    "list doubled": f"[x40 for x0 in [[1]] {DOUBLE}]",
    "shared result": f"[x40 for x0 in [1] {LETS}]",
    "shared json": f"len(json([x40 for x0 in [1] {LETS}]))",
    "shared text": f"[len(text(x40)) for x0 in [1] {LETS}]",
    "shared equality": f"[x22 == y22 for x0 in [1] for y0 in [1] {PAIR}]",
    "shared order": f"[x22 < y22 for x0 in [1] for y0 in [1] {PAIR}]",
    "shared membership": f"[x22 in [y22] for x0 in [1] for y0 in [1] {PAIR}]",
    "shared sorting": f"[sorted([x22, y22]) for x0 in [1] for y0 in [1] {PAIR}]",
    "shared maximum": f"[max(x22, y22) for x0 in [1] for y0 in [1] {PAIR}]",
    "shared unique": f"[unique([x40, x40]) for x0 in [1] {LETS}]",
    "shared count": f"[[x22].count(y22) for x0 in [1] for y0 in [1] {PAIR}]",
    "replace": '("a" * 100000).replace("a", "b" * 1000)',
    "replace nothing": 'replace("a" * 100000, "", "b" * 1000)',
    "join": '("x" * 10000).join(["a"] * 10000)',
    "join shared": 'join(["x" * 100000] * 1000)',
    "zfill": '"1".zfill(10**9)',
    "center": '"1".center(10**9, "é")',
    "upper": '("ß" * 2000000).upper()',
    "search": '[("a" * 1000000).find("a" * 40 + "b" + "a" * 40) for i in range(100)]',
    "search backwards": '("a" * 1000000).rfind("a" * 5000 + "b" + "a" * 5000)',
    "split backwards": '("a" * 1000000).rsplit("a" * 5000 + "b" + "a" * 5000)',
    "strip of many": '("b" * 400000).strip("c" * 60000 + "b")',
    "searches": '[("a" * 100000).count("b" + "a" * 98) for i in range(100)]',
    "equal texts": '[x == y for x in ["a" * 100000 + "b"] for y in ["a" * 100000 + "c"] for i in range(10000)]',
    "texts in a list": '("a" * 100000 + "b") in ["a" * 100000 + "c"] * 1000',
    "order of texts": '[("a" * 100000) < ("a" * 100000 + "b") for i in range(1000)]',
    "sorted texts": 'sorted(["a" * 10000 + text(i) for i in range(1000)])',
    "sorted numbers": "sorted([i * 7919 % 100003 for i in range(60000)])",
    "sorted lists": "sorted([[i * 7919 % 100003] for i in range(30000)])",
    "split": '("a," * 500000).split(",")',
    "split words": '("a " * 500000).split()',
    "splitlines": '("a\\n" * 500000).splitlines()',
    "characters": 'list("a" * 1000000)',
    "words": 'words("a " * 500000)',
    "slug": 'slug("ﷺ" * 100000)',
    "json of control characters": 'json("\\0" * 1500000)',
    "json of much": "json([[] for i in range(40000)])",
    "lists in JSON": 'parse_json("[" + "[]," * 120000 + "1]")',
    "objects in JSON": 'parse_json("[" + "{\\"a\\":{}}," * 40000 + "1]")',
    "url_encode": 'url_encode("é" * 200000)',
    "url_decode": 'url_decode("%41" * 400000)',
    "base64": 'base64("a" * 4000000)',
    "hashing": '[sha256("a" * 1000000) for i in range(100)]',
    "objects": "{text(i): i for i in range(100000)}",
    "object literals": '[{"a": {}} for i in range(100000)]',
    "slices": "[input.l[1:] for i in range(1000)]",
    "reversing": "[reversed(input.l) for i in range(1000)]",
    "copying objects": '[merge(input.d, {"z": 1}) for i in range(1000)]',
    "values": "[input.d.values() for i in range(1000)]",
    "any": "[any(input.l) for i in range(10000)]",
    "sum": "[sum(input.l) for i in range(1000)]",
    "membership": "[x in input.l for x in range(2, 100000)]",
    "index": "[input.l.index(1) for i in range(1000)]",
    "count": "[input.l.count(5) for i in range(1000)]",
    "enumerate": "enumerate([0] * 90000)",
    "zip": "zip([0] * 90000, [0] * 90000)",
    "flatten": "flatten([[0] * 1000] * 2000)",
    "truncate": '[truncate("a" * 100000, 99999) for i in range(1000)]',
    "strip": '("ab" * 400000).strip("b" + "c" * 5000 + "a")',
    "isdigit": '[("1" * 100000).isdigit() for i in range(1000)]',
    "long paths": '[get(input, "l." * 1000) for i in range(100000)]',
    "fixed": "[fixed(1e308, 100) for i in range(100000)]",
    "dates": '[date_add(now(), "1h") for i in range(100000)]',
    "time zones": '[format_date(0, "%H", z) for z in ["Europe/Berlin", "Asia/Tokyo", "America/New_York"] * 10000]',
    "date pattern": 'format_date(0, "%B" * 200000)',
    "pattern with many states": 'match("(a{0,30}){0,30}b", "a" * 10000)',
    "pattern with ambiguity": 'match("(a|b)*a(a|b){20}c", "abbab" * 20000)',
    "pattern looking ahead": 'regex_find_all("a(.*b)?", "a" * 50000)',
    "pattern for nothing": 'regex_find_all("", "a" * 50000)',
    "many patterns": '[match("a{" + text(i) + "}b", "a") for i in range(1000)]',
    "pattern replaced by much": 'regex_replace("a", "b" * 10000, "a" * 5000)',
    "pattern replaced by groups": 'regex_replace("a", "\\\\0" * 1000, "a" * 5000)',
    "large result": '["a" * 1000000] * 1000',
    "long result": "[0] * 100001",
    "deep result": "[[[[[[[[x40 for x0 in [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]] "
    + " ".join(f"for x{i + 1} in [[x{i}]]" for i in range(40))
    + "]]]]]]]]",
}


def _peak(run):
    run()
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("attack", BEYOND)
def test_too_much_is_refused(attack):
    compiled = compile_expression(BEYOND[attack])

    def run():
        with pytest.raises(ExpressionLimitError):
            compiled.evaluate(SCOPE, now=0)

    began = time.thread_time()
    run()
    assert time.thread_time() - began < 1
    assert _peak(run) <= 16 * 2**20


@pytest.mark.parametrize(
    "source",
    [
        "10**10**10",
        "1 if (2**62) * 4 else 0",
        "sum([2**62] * 10000)",
        'int("9" * 400)',
        'int("9" * 4000)',
        'float("1" * 400)',
        'parse_json("[" * 100000)',
        'parse_json("[" * 70 + "]" * 70)',
        'parse_json("1" * 100000)',
        'match("((a{0,10}){0,10}){0,10}b", "a")',
        'match("a{1001}", "a")',
        "9e307 * 10",
        "round(1e308, -308) * 10",
    ],
)
def test_what_cannot_be_computed_fails(source):
    compiled = compile_expression(source)

    def run():
        with pytest.raises(ExpressionError):
            compiled.evaluate(SCOPE, now=0)

    assert _peak(run) <= 16 * 2**20


@pytest.mark.parametrize(
    "source",
    [
        'json(["\\0" * 100000] * 15)',
        '("ŉ" * 300000).upper()',
        'slug("ﷺ" * 60000)',
        'parse_json("[" + "[]," * 60000 + "1]")',
        'url_decode("%41" * 30000)',
        '"😀" * 3000000',
        "round(5, -400)",
        "round(5.5, 10**9)",
        "input.t[::-1]",
        "len([input.t] * 1000)",
        'url_encode(" " * 190000)',
        'len(json(["\\n" * 1000000]))',
        'len([{"a": i} for i in range(15000)])',
        'split("a b " * 20000)',
        "unique(range(40000))",
    ],
)
def test_what_is_just_allowed_stays_within_the_memory(source):
    compiled = compile_expression(source)

    def run():
        with contextlib.suppress(ExpressionLimitError):
            compiled.evaluate(SCOPE, now=0)

    assert _peak(run) <= 16 * 2**20


@pytest.mark.parametrize(
    ("source", "units"),
    [
        ("1", 2),
        ("input.a.b", 2),
        ("input.l == 1", 4),
        ("[x for x in input.l]", 20001 * 3 + 6),
        ('"a" * 64000', 1005),
        ("[0] * 8000", 1008),
    ],
)
def test_what_it_costs(source, units):
    frame = Frame(SCOPE, 0)
    compile_expression(source).run(frame, strict=False)
    assert BUDGET - frame.left == units


def test_a_loop_ends_as_soon_as_the_budget_does():
    frame = Frame(SCOPE, 0)
    with pytest.raises(ExpressionLimitError):
        compile_expression("[1 for a in input.l for b in input.l]").run(frame, strict=False)
    assert -10 < frame.left < 0


def test_work_on_a_full_payload_is_possible():
    scope = {"input": {"items": [{"n": i, "s": "abc"} for i in range(30_000)], "text": "line of text\n" * 80_000}}
    for source in (
        "len([x for x in input.items if x.n > 100])",
        "sum(x.n for x in input.items)",
        "input.text.upper()",
        "input.text.replace('line', 'LINE')",
        "json(input.text)",
        "sha256(input.text)",
        "len(input.text.split('\\n'))",
        "'text' in input.text",
    ):
        compile_expression(source).evaluate(scope, now=0)
    compile_template({"a": "{{ input.text }}", "b": "{{ input.items[0] }}"}).evaluate(scope, now=0)
