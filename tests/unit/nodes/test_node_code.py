"""The `code` node in the real sandbox."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from flowrun.domain.definition import NodeDefinition
from flowrun.domain.node_type import Completed, Failed
from flowrun.errors import InvalidInputError
from flowrun.nodes.http_client import HttpClient
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.registry import builtin_types
from flowrun.nodes.sandbox import FLOOD, MAX_AT_ONCE, MAX_PRINTS, run_code
from flowrun.nodes.sandbox_errors import LONGEST_MESSAGE, CodeError

WRITTEN = Path("/tmp/flowrun-was-here")  # noqa: S108
CODE = builtin_types().get("code")


PARSERS = set()


@pytest.fixture(scope="module", autouse=True)
def _the_parser_runs():
    issues(source="'the first one'")
    PARSERS.update(children())


async def code(source, value=None, **params):
    job = NodeJob(CODE.check({"source": source, **params}), value, "e", "t", "w", "n", "", 1, "e:n:0")
    return await CODE.run(job, Services(HttpClient()))


def sandboxes():
    """The processes of running code: the children of this one that are not the parser."""
    return [pid for pid in children() if pid not in PARSERS]


def children():
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            name, rest = (entry / "stat").read_text().rsplit(")", 1)
            state, parent, *_ = rest.split()
            if name.endswith("(monty") and int(parent) == os.getpid() and state != "Z":  # What has ended runs no more.
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def was_written():
    return WRITTEN.exists()


async def one_running():
    """The process of the code that was just started."""
    for _ in range(200):
        if found := sandboxes():
            break
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    return found[0]


async def all_gone():
    """Whether every process ends soon: the last one may be about to."""
    for _ in range(50):
        if not sandboxes():
            return True
        await asyncio.sleep(0.01)
    return False


def issues(**params):
    return [(issue.path, issue.message) for issue in CODE.issues(NodeDefinition("n", "code", params=params))]


@pytest.mark.parametrize(
    ("source", "value", "result"),
    [
        ("1 + 1", None, 2),
        ("return input['a'] * 2", {"a": 21}, 42),
        ("total = sum(n for n in input)\ntotal", [1, 2, 3.5], 6.5),
        ("x = 1", None, None),
        ("def double(n):\n    return n * 2\n\ndouble(input)", 4, 8),
        ("input", {"a": [None, True, -1.5, "ä\U0001f600", {}]}, {"a": [None, True, -1.5, "ä\U0001f600", {}]}),
        ("(1, [2, ()])", None, [1, [2, []]]),
        ("import json, re\njson.loads('[1]') + re.findall('b+', input)", "abba", [1, "bb"]),
        ("'{{ input }}'", 1, "{{ input }}"),
        ("async def f():\n    return 1\n\nawait f()", None, 1),
        ("2 ** 64 - 1", None, 2**64 - 1),
        ("x = [1]\nx.append(x)\nx", None, [1, "[...]"]),
        ("[range(3), {'a': 1}.keys()]", None, ["range(0, 3)", "dict_keys(['a'])"]),
        ("[list(range(3)), list({'a': 1}.items())]", None, [[0, 1, 2], [["a", 1]]]),
        ("'a\\x00b'", None, "a\0b"),
    ],
)
async def test_it_gives_what_the_code_gives(source, value, result):
    assert await code(source, value) == Completed(result)


async def test_inputs_are_variables():
    outcome = await code("[first, second, input]", 3, inputs={"first": {"a": 1}, "second": "x"})
    assert outcome == Completed([{"a": 1}, "x", 3])


async def test_the_example_does_what_it_says():
    file = Path(__file__).parents[3] / "examples" / "code" / "invoices.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    (params,) = (node["params"] for node in document["nodes"] if node["type"] == "code")
    assert issues(**params) == []
    lines = [{"quantity": 2, "price": 10}]
    orders = [{"customer": name, "country": country, "lines": lines} for name, country in (("a", "AT"), ("b", "DE"))]
    rates = document["variables"]["tax_rates"]
    outcome = await code(params["source"], [*orders, orders[1]], inputs={"tax_rates": rates})
    assert [(row["customer"], row["net"], row["gross"]) for row in outcome.output] == [("b", 40, 47.6), ("a", 20, 24.0)]


async def test_nothing_is_left_for_the_next_run():
    await code("secret = 1\nimport json\njson.dumps = None\nsecret")
    outcome = await code("import json\nassert json.dumps is not None\nsecret")
    assert (outcome.type, outcome.message) == ("code_error", "line 3: NameError: name 'secret' is not defined")


async def test_an_exception_says_where():
    outcome = await code("def ratio(a, b):\n    return a / b\n\nratio(1, 0)")
    assert outcome == Failed(
        "code_error",
        "line 2: ZeroDivisionError: division by zero",
        details={"line": 2, "traceback": [{"line": 4, "function": "<module>"}, {"line": 2, "function": "ratio"}]},
    )
    assert (await code("raise TimeoutError('mine: limit')")).type == "code_error"
    long = await code("raise ValueError('x' * 100_000 + chr(0))")
    assert len(long.message) == LONGEST_MESSAGE
    assert "\0" not in (await code("raise ValueError(chr(0))")).message


HOSTILE = {
    "fork": ("import os\nos.fork()", "code_error", "no attribute 'fork'"),
    "shell": ("import os\nos.system('id')", "code_error", "no attribute 'system'"),
    "subprocess": ("import subprocess", "code_error", "No module named 'subprocess'"),
    "ctypes": ("import ctypes", "code_error", "No module named 'ctypes'"),
    "read": ("open('/etc/passwd').read()", "code_error", "PermissionError"),
    "write": (f"with open('{WRITTEN}', 'w') as f:\n    f.write('x')", "code_error", "PermissionError"),
    "walk": ("from pathlib import Path\nlist(Path('/').iterdir())", "code_error", "PermissionError"),
    "environment": ("import os\nos.environ['HOME']", "code_error", "line 2: RuntimeError"),
    "socket": ("import socket", "code_error", "No module named 'socket'"),
    "http": ("import urllib.request", "code_error", "No module named 'urllib'"),
    "import trick": ("__import__('os')", "code_error", "NameError"),
    "class trick": ("().__class__.__bases__[0].__subclasses__()", "code_error", "AttributeError"),
    "exit": ("raise SystemExit('0')", "code_error", "line 1: SystemExit"),
    "10 GB text": ("'a' * 10**10", "code_memory", "line 1: the code needs more than 64 MiB"),
    "10 GB list": ("[0] * 10**10", "code_memory", "more than 64 MiB"),
    "10 GB number": ("2 ** (8 * 10**10)", "code_memory", "more than 64 MiB"),
    "10 GB by format": ("f'{1:>10000000000}'", "code_", ""),
    "growing": ("x = []\nwhile True:\n    x.append('a' * 100_000)", "code_memory", "more than 64 MiB"),
    "caught growing": (
        "x = []\nwhile True:\n    try:\n        x.append(list(range(10_000)))\n    except BaseException:\n        pass",
        "code_",
        "",
    ),
    "huge copy": ("''.join(['b' * 1000] * 10**6)", "code_memory", "more than 64 MiB"),
    "endless": ("while True:\n    pass", "code_timeout", "the code took longer than 0.5 s"),
    "caught": ("while True:\n    try:\n        while True: pass\n    except BaseException: pass", "code_timeout", ""),
    "slow regex": ("import re\nre.match('(a|a)+$', 'a' * 200 + 'b')\nwhile True: pass", "code_timeout", "0.5 s"),
    "sleep": ("import time\nwhile True:\n    time.sleep(0.2)", "code_timeout", "took longer than 0.5 s"),
    "long sleep": ("import time\ntime.sleep(5)\n1", "code_timeout", "took longer than 0.5 s"),
    "long nap": ("import asyncio\nawait asyncio.sleep(0.6)\n1", "code_timeout", "took longer than 0.5 s"),
    "recursion": ("def f(n):\n    return f(n + 1)\n\nf(0)", "code_error", "RecursionError: maximum recursion depth"),
    "deep source": ("(" * 20_000, "code_syntax", "too deeply nested"),
    "huge text": ("'a' * 20_000_000", "output_too_large", "more than 1,048,576 bytes"),
    "huge list": ("list(range(200_000))", "output_too_large", "more than 100,000 values"),
    "a billion laughs": ("x = [1]\nfor _ in range(60):\n    x = [x, x]\nx", "output_too_large", "100,000 values"),
    "laughing text": ("x = 'a' * 1_000_000\n[x] * 50_000", "output_too_large", "bytes"),
    "deep result": ("x = []\nfor _ in range(100_000):\n    x = [x]\nx", "invalid_output", "more than 64 levels deep"),
    "endless prints": ("while True:\n    print('x' * 10_000)", "code_error", f"prints more than {FLOOD:,} characters"),
    "huge print": ("print('x' * 20_000_000)\nwhile True: pass", "code_error", "prints more than"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_code_fails_and_nothing_else_happens(name):
    source, kind, words = HOSTILE[name]
    # What ends by itself has time for it, however busy the machine is.
    timeout = 0.5 if kind in {"code_timeout", "code_"} else 20.0
    began = time.monotonic()
    outcome = await code(source, timeout=timeout)
    assert isinstance(outcome, Failed), outcome
    assert outcome.type.startswith(kind), outcome
    assert words in outcome.message
    assert not outcome.retryable
    assert time.monotonic() - began < timeout + 4
    assert await all_gone()
    assert not was_written()
    assert await code("1") == Completed(1)


_HOG = """
import asyncio, resource, sys
sys.path.insert(0, {tests!r})
from unit.nodes.test_node_code import HOSTILE, code
async def main():
    await code("1")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for source, _, _ in HOSTILE.values():
        await code(source, timeout=0.3)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print((after - before) // 1024, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
asyncio.run(main())
"""


def test_memory_stays_bounded():
    tests = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", _HOG.format(tests=tests)], capture_output=True, text=True, check=True)
    ours, theirs = map(int, done.stdout.split())
    assert ours < 150, "MiB that this process grew by"
    assert theirs < 200, "MiB of the largest sandbox, whose values have 64"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("float('nan')", "the number nan"),
        ("{'a': [1, {2}]}", "a set at a[1]"),
        ("b'x'", "bytes"),
        ("{1: 2}", "a dict with the key 1"),
        ("2 ** 64", "more than 64 bits"),
        ("-(2 ** 63) - 1", "more than 64 bits"),
        ("len", "an object (len)"),
        ("class A:\n    pass\n\n[A()]", "an object (A) at [0]"),
        ("import datetime\n{'when': datetime.date(2030, 1, 1)}", "a date at when"),
    ],
)
async def test_what_is_no_json_is_refused(source, words):
    outcome = await code(source)
    assert outcome.type == "invalid_output"
    assert words in outcome.message


async def test_the_limits_are_those_of_the_node():
    assert (await code("'a' * 40_000_000\n1", memory_mb=32)).type == "code_memory"
    assert await code("len('a' * 40_000_000)", memory_mb=128) == Completed(40_000_000)
    assert (await code("len(input)", "x" * 20_000_000, memory_mb=8)).type == "code_memory"


async def test_cancelling_kills_the_process():
    task = asyncio.create_task(code("while True:\n    pass", timeout=60))
    await one_running()
    task.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 1
    assert await all_gone()


async def test_the_loop_goes_on_and_processes_have_a_number():
    most, longest, last = 0, 0.0, time.monotonic()

    async def watch():
        nonlocal most, longest, last
        while True:
            await asyncio.sleep(0.005)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
            most = max(most, len(sandboxes()))
            last = time.monotonic()

    watcher = asyncio.create_task(watch())
    source = "n = 0\nfor i in range(300_000):\n    n += i\nn"
    outcomes = await asyncio.gather(*(code(source) for _ in range(3 * MAX_AT_ONCE)))
    watcher.cancel()
    assert outcomes == [Completed(sum(range(300_000)))] * (3 * MAX_AT_ONCE)
    assert 1 < most <= MAX_AT_ONCE
    assert longest < 0.5


async def test_prints_are_kept_up_to_a_limit():
    result = await run_code("print('a', 1)\nprint('b' * 200_000)\n7", {}, timeout=5, memory_mb=64)
    assert result.value == 7
    assert result.prints == ("a 1\n" + "b" * 200_000)[:MAX_PRINTS]


async def test_without_the_sandbox_it_says_what_to_install(monkeypatch):
    monkeypatch.setenv("MONTY_BIN", "/nowhere/monty")
    outcome = await code("1")
    assert (outcome.type, outcome.retryable) == ("code_unavailable", True)
    assert "could not be started" in outcome.message
    monkeypatch.setitem(sys.modules, "pydantic_monty", None)
    outcome = await code("1")
    assert outcome.type == "code_unavailable"
    assert "pip install pydantic-monty" in outcome.message
    assert issues(source="x = # not known here") == []


async def test_a_sandbox_that_dies_is_tried_again():
    task = asyncio.create_task(code("while True:\n    pass"))
    os.kill(await one_running(), 9)
    outcome = await task
    assert (outcome.type, outcome.retryable) == ("code_crashed", True)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\nif x\n    pass", "line 2: "),
        ("x =", "line 1: expected an expression"),
        ("x = 1\nclass A(dict):\n    pass", "line 2: the sandbox does not support class inheritance"),
        ("for i in []:\n    yield i", "line 2: the sandbox does not support yield"),
        ("(" * 5000, "line 1: source is too deeply nested"),
        ("x = {{ vars.x }", "line 1: "),
    ],
)
async def test_syntax_errors_are_told_at_the_door_and_at_the_run(source, message):
    ((path, said),) = issues(source=source)
    assert path == "source"
    assert said.startswith(message)
    outcome = await code(source)
    assert outcome.type == "code_syntax"
    assert outcome.message == said
    assert outcome.details == {"line": int(message[5])}


def test_nothing_runs_at_the_door():
    began = time.monotonic()
    assert issues(source="while True:\n    pass") == []
    assert issues(source="return 1\n1 / 0") == []
    assert issues(source='"""A text."""\nfrom json import dumps\ndumps(input)') == []
    assert time.monotonic() - began < 2


def test_bad_params():
    assert issues(source="x" * 100_001) == [("source", "must have 100000 characters or fewer")]
    assert issues(source="'{{'" + " " * 100_000) == [("source", "must have 100000 characters or fewer")]
    assert issues(source="1", timeout="1h", memory_mb=4096) == [
        ("timeout", "must be at most 300"), ("memory_mb", "must be at most 256"),
    ]  # fmt: skip
    for name in ("a-b", "for", "input", "1a"):
        ((path, message),) = issues(source="1", inputs={name: 1})
        assert path.startswith("inputs")
        assert "must" in message
    with pytest.raises(InvalidInputError, match="source"):
        CODE.check({"source": ""})


async def test_what_cannot_become_a_variable_is_an_error_of_the_code():
    with pytest.raises(CodeError) as raised:
        await run_code("x", {"x": object()}, timeout=1, memory_mb=64)
    assert raised.value.type == "code_error"
