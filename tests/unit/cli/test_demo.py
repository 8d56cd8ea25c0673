"""The demo: its story as it is told, its own little server, and once the whole of it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx2
import pytest

from flowrun.cli import demo_panels, demo_plain, output
from flowrun.cli.demo_neighbour import Neighbour
from flowrun.cli.demo_story import Answer, Story
from flowrun.domain.definition import EdgeDefinition


def run_of(node_id, node_type, status="completed", begin=0, end=1, **more):
    def moment(ms):
        return f"2026-11-22T10:00:00.{ms:03}Z"

    ran = status != "skipped"
    return {
        "node_id": node_id,
        "type": node_type,
        "status": status,
        "input": {"a": 1},
        "output": {"from": node_id},
        "error": None,
        "started_at": moment(begin) if ran else None,
        "finished_at": moment(end) if ran else None,
        **more,
    }


def edge(source, target, port=None):
    return EdgeDefinition(f"{source}-{target}", source, target, port)


@pytest.fixture
def story() -> Story:
    return Story(
        url="http://127.0.0.1:4711",
        socket="/tmp/demo/flowrun.sock",  # noqa: S108
        workflows=("hello", "push"),
        path="/webhooks/demo/push",
        request_bytes=10_656,
        execution={
            "id": "0199",
            "workflow_id": "push",
            "status": "completed",
            "started_at": "2026-11-22T10:00:00.000Z",
            "finished_at": "2026-11-22T10:00:00.140Z",
        },
        nodes=(
            run_of("begin", "webhook"),
            run_of("choose", "decision", output={"a": 1}),
            run_of("left", "http", begin=1, end=121),
            run_of("right", "http", begin=1, end=131, output={"status": 200, "headers": {"x": "y"}, "body": "z" * 500}),
            run_of("other", "respond", "skipped"),
            run_of("both", "merge"),
        ),
        edges=(
            edge("begin", "choose"),
            edge("choose", "left", "yes"),
            edge("choose", "right", "yes"),
            edge("choose", "other", "no"),
            edge("left", "both"),
            edge("right", "both"),
        ),
        answer=Answer(201, "Created", {"content-type": "application/json"}, {"ok": True}, 0.15),
    )


def test_the_nodes_that_ran_stand_in_steps(story):
    assert [[node["node_id"] for node in step] for step in story.steps()] == [
        ["begin"],
        ["choose"],
        ["left", "right"],
        ["both"],
    ]


def test_a_decision_tells_the_way_taken_and_what_was_left_out(story):
    choose = story.nodes[1]
    assert story.way_taken(choose) == "yes"
    assert [node["node_id"] for node in story.skipped_after(choose)] == ["other"]


def test_what_running_side_by_side_saved(story):
    assert story.side_by_side() == "left and right ran side by side: 130 ms instead of 250 ms"


def test_the_plain_story_has_every_node_and_no_colours(story, capsys):
    demo_plain.print_story(story)
    demo_plain.print_farewell(story)
    printed = capsys.readouterr().out
    assert all(f" {node} " in printed for node in ("begin", "choose", "left", "right", "both"))
    assert "not taken: other (respond)" in printed
    assert "201 Created after 150 ms" in printed
    assert "flowrun executions show 0199 --full" in printed
    assert "\x1b" not in printed
    assert max(map(len, printed.splitlines())) <= 120


def test_the_picture_fits_its_width(story, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    demo_panels.print_story(story)
    demo_panels.print_farewell(story)
    lines = capsys.readouterr().out.splitlines()
    story_lines = lines[: next(i for i, line in enumerate(lines) if "Look further" in line)]
    assert max(map(len, story_lines)) <= demo_panels.WIDTH + 2
    drawn = "\n".join(lines)
    assert "┴" in drawn
    assert "┬" in drawn
    assert "→ yes  ✓ completed" in drawn
    assert "flowrun executions show 0199 --full" in drawn


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "<1 ms"), (0.012, "12 ms"), (3.44, "3.4 s"), (307, "5m 07s"), (7380, "2h 03m")],
)
def test_durations_are_spelt_as_people_say_them(seconds, said):
    assert output.spell_seconds(seconds) == said


@pytest.mark.anyio
async def test_the_neighbour_answers_what_the_example_asks():
    async with Neighbour() as neighbour, httpx2.AsyncClient(base_url=neighbour.url) as http:
        checks = await http.post("/checks", json={"files": ["a", "b"]})
        deployment = await http.post("/deployments", json={"environment": "staging"})
        nothing = await http.post("/nothing", json={})
    assert checks.json() == {"check": 4711, "state": "passed", "files": 2}
    assert (deployment.status_code, deployment.json()["environment"]) == (201, "staging")
    assert nothing.status_code == 404


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_the_whole_demo_once(tmp_path):
    before = set(Path(tempfile.gettempdir()).glob("flowrun-demo-*"))
    done = subprocess.run(
        [sys.executable, "-m", "flowrun", "demo", "--once"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert done.returncode == 0, done.stderr
    assert "checks and deployment ran side by side" in done.stdout
    assert "answer     201 Created" in done.stdout
    assert "dev-one pushed 2 commits to main of example-org/storefront" in done.stdout
    assert set(Path(tempfile.gettempdir()).glob("flowrun-demo-*")) <= before
