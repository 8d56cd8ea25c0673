"""CPython, a sandboxed interpreter and flowrun agree on random expressions of their common language."""

import math
from types import SimpleNamespace

import pydantic_monty
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowrun.domain.expression import ExpressionError, ExpressionLimitError, ExpressionSyntaxError, compile_expression

SCOPE = {
    "input": {
        "n": 7,
        "zero": 0,
        "f": 2.5,
        "s": "Ab cd",
        "e": "",
        "yes": True,
        "no": False,
        "l": [3, 1, 2],
        "d": {"k": 1},
    },
}
FUNCTIONS = {
    "len": len,
    "abs": abs,
    "min": min,
    "max": max,
    "sum": sum,
    "sorted": sorted,
    "round": round,
    "any": any,
    "all": all,
    "int": int,
    "float": float,
    "bool": bool,
    "list": list,
    "range": range,
    "reversed": reversed,
    "enumerate": enumerate,
    "zip": zip,
}


def _namespace(value):
    """Turn objects into Python objects, so that attributes are keys."""
    return SimpleNamespace(**{k: _namespace(v) for k, v in value.items()}) if isinstance(value, dict) else value


def numbers(depth):
    leaves = st.one_of(
        st.integers(-9, 9).map(lambda n: f"({n})"),
        st.sampled_from(["input.n", "input.zero", "input.f", "0.5", "1e3", "9223372036854775807", "input.l[1]"]),
    )
    if depth == 0:
        return leaves
    n, t, b, ls = numbers(depth - 1), texts(depth - 1), booleans(depth - 1), lists(depth - 1)
    return st.one_of(
        leaves,
        st.builds("({} {} {})".format, n, st.sampled_from(["+", "-", "*", "/", "//", "%"]), n),
        st.builds("({} ** {})".format, n, st.integers(-3, 5)),
        st.builds("-{}".format, n),
        st.builds("({} if {} else {})".format, n, b, n),
        st.builds("len({})".format, st.one_of(t, ls)),
        st.builds("{}({})".format, st.sampled_from(["abs", "int", "float", "round"]), n),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), n, n),
        st.builds("{}({})".format, st.sampled_from(["min", "max", "sum"]), ls),
        st.builds("{}[{}]".format, ls, st.integers(-2, 2)),
        st.builds("{}.{}({})".format, t, st.sampled_from(["find", "count", "rfind", "index"]), t),
        st.builds("{}.{}({})".format, ls, st.sampled_from(["count", "index"]), n),
        st.builds("round({}, {})".format, n, st.integers(-2, 3)),
    )


def texts(depth):
    leaves = st.one_of(
        st.text(alphabet="abAB 1,.é\n\"'\\{}ß", max_size=5).map(repr),
        st.sampled_from(["input.s", "input.e", r"'\t\x41\u00e9'", r'r"\d"']),
    )
    if depth == 0:
        return leaves
    t, b = texts(depth - 1), booleans(depth - 1)
    bound = st.one_of(st.just(""), st.integers(-4, 4).map(str))
    simple = ["lower", "upper", "title", "capitalize", "strip", "lstrip", "rstrip", "swapcase", "casefold"]
    return st.one_of(
        leaves,
        st.builds("({} + {})".format, t, t),
        st.builds("({} * {})".format, t, st.integers(-1, 3)),
        st.builds("({} if {} else {})".format, t, b, t),
        st.builds("{}[{}:{}]".format, t, bound, bound),
        st.builds("{}[::{}]".format, t, st.sampled_from([-2, -1, 1, 3])),
        st.builds("{}[{}]".format, t, st.integers(-3, 3)),
        st.builds("{}.{}()".format, t, st.sampled_from(simple)),
        st.builds("{}.{}({})".format, t, st.sampled_from(["strip", "removeprefix", "removesuffix"]), t),
        st.builds("{}.replace({}, {})".format, t, t, t),
        st.builds("{}.{}({})".format, t, st.sampled_from(["zfill", "ljust", "rjust", "center"]), st.integers(-1, 9)),
        st.builds(
            "{}.join({}.{})".format, t, t, st.sampled_from(["split()", "split(',')", "splitlines()", "rsplit(' ', 1)"])
        ),
        st.builds("{}.join([x.upper() for x in {}])".format, t, t),
        st.builds("({} or {})".format, t, t),
    )


def booleans(depth):
    leaves = st.sampled_from(["True", "False", "input.yes", "input.no"])
    if depth == 0:
        return leaves
    n, t, b, ls = numbers(depth - 1), texts(depth - 1), booleans(depth - 1), lists(depth - 1)
    operator = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    return st.one_of(
        leaves,
        st.builds("({} {} {})".format, n, operator, n),
        st.builds("({} {} {} {} {})".format, n, operator, n, operator, n),
        st.builds("({} {} {})".format, t, operator, t),
        st.builds("({} {} {})".format, ls, operator, ls),
        st.builds("({} == {})".format, n, t),
        st.builds("({} {} {})".format, t, st.sampled_from(["in", "not in"]), t),
        st.builds("({} {} {})".format, n, st.sampled_from(["in", "not in"]), ls),
        st.builds("({} {} {})".format, b, st.sampled_from(["and", "or"]), b),
        st.builds("(not {})".format, b),
        st.builds("{}(x {} {} for x in {})".format, st.sampled_from(["any", "all"]), operator, n, ls),
        st.builds("{}.{}({})".format, t, st.sampled_from(["startswith", "endswith"]), t),
        st.builds(
            "{}.{}()".format, t, st.sampled_from(["isdigit", "isalpha", "isalnum", "isspace", "isupper", "islower"])
        ),
        st.builds("bool({})".format, st.one_of(n, t, ls)),
        st.builds("({} is None)".format, st.one_of(n, t)),
    )


def lists(depth):
    leaves = st.sampled_from(["[]", "[1, 2, 2]", "input.l", "[0.5, -1]"])
    if depth == 0:
        return leaves
    n, b, ls = numbers(depth - 1), booleans(depth - 1), lists(depth - 1)
    bound = st.one_of(st.just(""), st.integers(-4, 4).map(str))
    return st.one_of(
        leaves,
        st.lists(n, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
        st.builds("({} + {})".format, ls, ls),
        st.builds("({} * {})".format, ls, st.integers(-1, 3)),
        st.builds("{}[{}:{}]".format, ls, bound, bound),
        st.builds("[x * {} for x in {} if {}]".format, n, ls, b),
        st.builds("[x + y for x in {} for y in {} if x != y]".format, ls, ls),
        st.builds("[i * x for i, x in enumerate({})]".format, ls),
        st.builds("[x - y for x, y in zip({}, {})]".format, ls, ls),
        st.builds("sorted({}, reverse={})".format, ls, b),
        st.builds("list(reversed({}))".format, ls),
        st.builds(
            "list(range({}, {}, {}))".format, st.integers(-3, 3), st.integers(-3, 9), st.sampled_from([-2, -1, 1, 2])
        ),
    )


PIECES = [*"abx01 .,:+-*/%()[]{}\"'\\=!<>&|#\n_é\0", " if ", " else ", " for ", " in ", "not ", "input", "len("]
expressions = st.one_of(numbers(3), texts(3), booleans(3), lists(3))


def _typed(value):
    """Make 1, 1.0 and True differ, and 0.0 and -0.0."""
    if isinstance(value, list):
        return [_typed(element) for element in value]
    return (type(value).__name__, repr(value))


def _fits(value):
    if isinstance(value, list):
        return all(map(_fits, value))
    if isinstance(value, complex):
        return False
    return not isinstance(value, float) or math.isfinite(value)


def _compare(source, evaluate):
    try:
        theirs = evaluate(source)
    except Exception:  # noqa: BLE001 -- whatever the other interpreter refuses is not in the common language
        return
    try:
        ours = compile_expression(source).evaluate(SCOPE, now=0)
    except ExpressionSyntaxError as error:
        assert "64 bits" in str(error) or "nested" in str(error), source  # noqa: PT017
        return
    except ExpressionError as error:
        assert isinstance(error, ExpressionLimitError) or "64 bits" in str(error) or "too large" in str(error), source  # noqa: PT017
        return
    assert _fits(theirs)
    assert _typed(ours) == _typed(theirs)


def _cpython(source):
    return eval(source, {"__builtins__": FUNCTIONS, "input": _namespace(SCOPE["input"])})  # noqa: S307


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(expressions)
def test_cpython_agrees(source):
    _compare(source, _cpython)


@pytest.fixture(scope="module")
def sandbox():
    with pydantic_monty.Monty() as pool, pool.checkout() as session:
        yield session


def test_the_sandbox_agrees(sandbox):
    # `input` is an object there; its keys are items, so that the same names can be used as globals.
    names = {f"input_{key}": value for key, value in SCOPE["input"].items()}

    def evaluate(source):
        return sandbox.feed_run(source.replace("input.", "input_"), inputs=names)

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(expressions)
    def agrees(source):
        _compare(source, evaluate)

    agrees()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_no_source_breaks_the_compiler(source):
    try:
        compiled = compile_expression(source)
    except ExpressionSyntaxError as error:
        assert error.position is None or 0 <= error.position <= len(source)  # noqa: PT017
        return
    try:
        compiled.evaluate(SCOPE, now=0)
    except ExpressionError as error:
        assert error.source == source  # noqa: PT017
