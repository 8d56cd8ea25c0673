"""What nodes log, through the real service: the API while a node runs, and the command line that follows it."""

from __future__ import annotations

import subprocess
import sys

from e2e.client import is_problem, until

SLOW = """
id: slow
nodes:
  - {id: in, type: manual}
  - id: work
    type: code
    params:
      source: |
        import time
        for number in range(4):
            print("step", number)
            time.sleep(0.3)
        return number
edges: [in -> work]
"""


def test_a_log_is_followed_while_the_code_runs_and_is_there_afterwards(api, service):
    api.save(SLOW)
    execution = api.start("slow")
    path = f"/executions/{execution}/nodes/work/logs"
    until("the first line", lambda: api.ask("GET", path)["items"])
    assert api.execution(execution)["status"] == "running", "its lines are there before its end"
    assert api.nodes(execution)["work"]["progress"].startswith("step ")
    command = [sys.executable, "-m", "flowrun", "executions", "logs", execution, "work", "--follow"]
    followed = subprocess.run(command, env=service.env, capture_output=True, text=True, timeout=30, check=True)
    expected = [f"step {number}" for number in range(4)]
    assert [line.split("  ")[-1] for line in followed.stdout.splitlines()] == expected
    assert api.execution(execution)["status"] == "completed"
    answer = api.client.get(f"{api.base}{path}", params={"limit": 3})
    assert [line["text"] for line in answer.json()["items"]] == expected[:3]
    following = answer.headers["link"].partition(">")[0].removeprefix("<")
    assert [line["seq"] for line in api.client.get(following).json()["items"]] == [4]
    assert api.nodes(execution)["work"]["progress"] is None


def test_what_there_is_not_is_said(api):
    api.save(SLOW)
    execution = api.start("slow")
    base = f"{api.base}/executions"
    is_problem(api.client.get(f"{base}/{execution}/nodes/nobody/logs"), 404, "not-found")
    is_problem(api.client.get(f"{base}/nothing/nodes/work/logs"), 404, "not-found")
    is_problem(api.client.get(f"{base}/{execution}/nodes/work/logs?limit=5000"), 422)
    assert api.ask("GET", f"/executions/{execution}/nodes/in/logs") == {"items": [], "next": None}
