"""Commands on workflow files: all errors at once, and one bad file stops everything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flowrun.cli.example_files import examples_dir

WORKFLOWS = "/api/v1/tenants/default/workflows"
GOOD = """\
id: good
nodes:
  - {id: begin, type: manual}
  - {id: made, type: transform, params: {value: 1}}
edges:
  - begin -> made
"""
BAD = """\
id: bad
nodes:
  - {id: begin, type: manual}
  - {id: made, type: tranform, params: {value: 1}}
edges:
  - begin -> nowhere
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    file = tmp_path / "good.yaml"
    file.write_text(GOOD)
    return file


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    file = tmp_path / "bad.yaml"
    file.write_text(BAD)
    return file


def test_a_valid_file_is_told_in_a_line(run, good):
    result = run("validate", str(good))
    assert (result.exit_code, result.output) == (0, f"✓ {good}  good: 2 nodes, 1 edge\n")


def test_a_file_may_come_by_standard_input(run, service):
    assert run("validate", "-", stdin=GOOD).output == "✓ standard input  good: 2 nodes, 1 edge\n"
    assert "standard input: nodes[1].type: there is" in run("apply", "-", stdin=BAD).output
    service.on("PUT", f"{WORKFLOWS}/good", (200, {"changed": True, "version": 1}))
    assert run("apply", "-", stdin=GOOD).output == "created    good  version 1  standard input\n"
    assert [request["body"].decode() for request in service.asked] == [GOOD, GOOD]


def test_what_comes_by_standard_input_is_named_by_its_name(run):
    unnamed = GOOD.replace("id: good\n", "name: Of No File\n", 1)
    assert "  of-no-file: 2 nodes" in run("validate", "-", stdin=unnamed).output


def test_every_issue_of_every_file_is_printed(run, good, bad):
    result = run("validate", str(good), str(bad))
    assert result.exit_code == 1
    assert "nodes[1].type: there is no node type 'tranform' (did you mean 'transform'?)" in result.output
    assert "edges[0].target: there is no node 'nowhere'" in result.output
    assert f"✓ {good}" in result.output


@pytest.mark.usefixtures("bad")
def test_a_directory_stands_for_its_workflow_files(run, good):
    (good.parent / "notes.txt").write_text("no workflow")
    found = json.loads(run("validate", str(good.parent), "-o", "json").output)
    assert [(one["workflow"], one["valid"]) for one in found] == [("bad", False), ("good", True)]
    assert found[0]["errors"][0]["path"] == "nodes[1].type"


def test_a_directory_without_workflow_files_is_a_mistake(run, tmp_path):
    result = run("validate", str(tmp_path))
    assert result.exit_code == 1
    assert "There is no workflow file" in result.stderr


def test_a_file_that_is_no_yaml_says_where(run, tmp_path):
    file = tmp_path / "broken.yaml"
    file.write_text("id: [")
    result = run("validate", str(file))
    assert result.exit_code == 1
    assert "line" in result.output


@pytest.mark.parametrize("file", sorted(examples_dir().glob("*.yaml")), ids=lambda file: file.stem)
def test_every_example_is_valid_and_named_like_its_file(run, file):
    found = json.loads(run("validate", str(file), "-o", "json").output)
    assert found == [{"file": str(file), "workflow": file.stem, "valid": True, "errors": []}]


def test_the_readme_of_the_examples_lists_them_all():
    listed = (examples_dir() / "README.md").read_text()
    assert all(f"[{file.name}]({file.name})" in listed for file in examples_dir().glob("*.yaml"))


def test_graph_prints_mermaid(run, good):
    assert run("graph", str(good)).output.startswith("flowchart LR\n")


def test_graph_of_a_bad_file_prints_its_issues(run, bad):
    result = run("graph", str(bad))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "did you mean 'transform'?" in result.stderr


def saved(version, *, changed=True):
    return 200, {"id": "good", "version": version, "status": "published", "changed": changed, "issues": []}


def test_apply_asks_first_and_then_saves_the_file_as_it_is(run, service, good):
    service.on("PUT", f"{WORKFLOWS}/good", saved(1))
    result = run("apply", str(good))
    assert result.output == f"created    good  version 1  {good}\n"
    assert [asked["query"] for asked in service.asked] == ["dry_run=true", ""]
    assert service.asked[1]["body"] == GOOD.encode()
    assert service.asked[1]["headers"]["Content-Type"] == "application/yaml"


def test_a_dry_run_saves_nothing(run, service, good):
    service.on("PUT", f"{WORKFLOWS}/good", saved(4))
    result = run("apply", "--dry-run", str(good))
    assert result.stdout == f"changed    good  version 4  {good}\n"
    assert [asked["query"] for asked in service.asked] == ["dry_run=true"]


def test_an_equal_workflow_is_unchanged(run, service, good):
    service.on("PUT", f"{WORKFLOWS}/good", saved(4, changed=False))
    assert json.loads(run("apply", str(good), "-o", "json").output) == [
        {"workflow": "good", "file": str(good), "change": "unchanged", "version": 4, "hints": []}
    ]


def test_what_a_workflow_lacks_is_told_unless_it_is_given_with_it(run, service, good):
    hint = {"path": "nodes[1].params.workflow_id", "message": "there is no workflow 'other' yet", "kind": "workflow"}
    service.on("PUT", f"{WORKFLOWS}/good", (200, {**saved(1)[1], "hints": [{**hint, "name": "other"}]}))
    assert run("apply", str(good)).stderr == "  nodes[1].params.workflow_id: there is no workflow 'other' yet\n"
    service.on("PUT", f"{WORKFLOWS}/good", (200, {**saved(1)[1], "hints": [{**hint, "name": "good"}]}))
    assert run("apply", str(good)).stderr == ""


def test_with_one_bad_file_nothing_is_sent(run, service, good, bad):
    result = run("apply", str(good), str(bad))
    assert result.exit_code == 1
    assert f"{bad}: edges[0].target: there is no node 'nowhere'" in result.stderr
    assert service.asked == []


def test_what_only_the_service_can_see_stops_everything_too(run, service, good, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(GOOD.replace("id: good", "id: other"))
    problem = {"detail": "The workflow is not valid: 1 issue", "errors": [{"path": "nodes[0]", "message": "is taken"}]}
    service.on("PUT", f"{WORKFLOWS}/good", saved(1))
    service.on("PUT", f"{WORKFLOWS}/other", (422, problem))
    result = run("apply", str(good), str(other))
    assert result.exit_code == 1
    assert "  nodes[0]: is taken" in result.stderr
    assert {asked["query"] for asked in service.asked} == {"dry_run=true"}


def test_export_prints_what_the_service_gives(run, service):
    service.on("GET", f"{WORKFLOWS}/good/export", (200, {"id": "good"}))
    assert json.loads(run("export", "good", "--format", "json").output) == {"id": "good"}
    assert service.asked[0]["query"] == "format=json"


@pytest.mark.usefixtures("service")
def test_diff_of_an_unknown_workflow_is_all_new(run, good):
    result = run("diff", str(good))
    assert result.exit_code == 1
    assert "+id: good" in result.output


def test_diff_leaves_out_a_status_that_the_file_does_not_name(run, service, good):
    before = "id: good\nstatus: archived\nnodes:\n- id: begin\n  type: manual\n- id: made\n  type: transform\n"
    before += "  params:\n    value: 1\nedges:\n- source: begin\n  target: made\n"
    service.on("GET", f"{WORKFLOWS}/good/export", (200, before))
    same = run("diff", str(good))
    assert (same.exit_code, same.output) == (0, "")
    good.write_text(GOOD.replace("value: 1", "value: 2"))
    changed = [line for line in run("diff", str(good)).output.splitlines() if line[:1] in "+-"][2:]
    assert changed == ["-    value: 1", "+    value: 2"]
