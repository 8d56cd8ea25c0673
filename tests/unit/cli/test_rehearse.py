"""`flowrun test`: a line for each case, what differs where one fails, and an exit code for scripts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from flowrun.cli.example_files import examples_dir

EXAMPLES = Path(examples_dir())
TESTED = """\
id: sums
nodes:
  - {id: begin, type: manual}
  - {id: fetch, type: http, params: {url: "https://x.example"}}
  - {id: made, type: transform, params: {value: {sum: "{{ input.body + 1 }}"}}}
edges: [begin -> fetch, fetch -> made]
tests:
  - name: adds one
    mocks: {fetch: {output: {body: 1}, after: 90s}}
    expect: {nodes: {fetch: {status: timed_out}}, status: failed}
  - name: is wrong
    mocks: {fetch: {output: {body: 1}}}
    expect: {output: {sum: 3}}
  - name: asks the world
"""


@pytest.fixture
def tested(tmp_path: Path) -> Path:
    file = tmp_path / "sums.yaml"
    file.write_text(TESTED)
    return file


def test_all_examples_pass_with_no_service():
    done = subprocess.run(
        [sys.executable, "-m", "flowrun", "test", str(EXAMPLES)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "✓ nobody answers for a day" in done.stdout
    assert "✗" not in done.stdout


def test_no_part_of_the_service_is_loaded():
    code = (
        "import sys; from click.testing import CliRunner; from flowrun.cli.main import cli;"
        f"assert CliRunner().invoke(cli, ['test', {str(EXAMPLES)!r}]).exit_code == 0;"
        "print([m for m in ('sqlalchemy', 'starlette', 'taskiq', 'httpx2', 'hypercorn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_a_failed_case_says_what_differs_and_what_each_node_did(run, tested):
    result = run("test", str(tested))
    assert result.exit_code == 1
    lines = [line.strip() for line in result.output.splitlines()]
    place = lines.index("output.sum")
    assert lines[place + 1 : place + 3] == ["expected  3", "actual    2"]
    assert any(line.split()[:3] == ["made", "✓", "completed"] for line in lines)
    assert "no mock for the http node `fetch`: add mocks.fetch" in lines
    assert "2 failed" in result.output


def test_json_has_every_case_with_its_nodes(run, tested):
    result = run("test", str(tested), "-o", "json")
    assert result.exit_code == 1
    (found,) = json.loads(result.output)
    assert (found["workflow"], found["passed"], found["errors"]) == ("sums", False, [])
    assert [case["name"] for case in found["cases"]] == ["adds one", "is wrong", "asks the world"]
    wrong = found["cases"][1]
    assert wrong["mismatches"] == [{"path": "output.sum", "expected": 3, "actual": 2, "note": None}]
    assert wrong["nodes"][-1]["input"] == {"body": 1}
    assert found["cases"][2]["problems"] == ["no mock for the http node `fetch`: add mocks.fetch"]


@pytest.mark.parametrize("pattern", ["WRONG", "is*ong"])
def test_cases_are_chosen_by_their_name(run, tested, pattern):
    found = json.loads(run("test", str(tested), "--name", pattern, "-o", "json").output)
    assert [case["name"] for case in found[0]["cases"]] == ["is wrong"]


def test_a_mistake_in_the_cases_is_told_by_validate_too(run, tested):
    tested.write_text(TESTED.replace("mocks: {fetch:", "mocks: {fetsh:", 1))
    for command in ("test", "validate"):
        result = run(command, str(tested))
        assert result.exit_code == 1
        assert "tests[0].mocks.fetsh: there is no node 'fetsh' (did you mean 'fetch'?)" in result.output


def test_nothing_to_test_is_a_mistake(run, tested):
    assert run("test", str(tested), "--name", "nobody").exit_code == 2
    tested.write_text(TESTED.partition("tests:")[0])
    result = run("test", str(tested))
    assert (result.exit_code, "there are no `tests:`" in result.stderr) == (2, True)


def test_a_long_difference_is_shown_line_by_line(run, tested):
    expected = TESTED.replace("{output: {sum: 3}}", '{output: {sum: ["' + "x" * 120 + '", 1]}}')
    tested.write_text(expected)
    lines = [line.strip() for line in run("test", str(tested), "--name", "wrong").output.splitlines()]
    assert "- expected  + actual" in lines
    assert "+ 2" in lines
