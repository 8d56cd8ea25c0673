"""Schedules from outside: a real process, its real clock, its API and its command line."""

from __future__ import annotations

import json

from e2e.client import is_problem, until

WORKFLOW = """
id: {id}
nodes:
  - {{id: tick, type: schedule, params: {{{params}}}}}
  - {{id: note, type: transform, params: {{value: "{{{{ trigger.scheduled_at }}}}"}}}}
edges:
  - {{source: tick, target: note}}
"""


def save(api, workflow: str, params: str):
    api.save(WORKFLOW.format(id=workflow, params=params))
    (schedule,) = api.ask("GET", "/schedules", params={"workflow": workflow})["items"]
    return schedule


def fired(api, schedule, count: int):
    def look():
        items = api.ask("GET", f"/schedules/{schedule['id']}/fires")["items"]
        return items if len(items) >= count else None

    return until(f"{count} fires", look)


def test_every_second_an_execution_with_its_time(api) -> None:
    schedule = save(api, "each-second", "every: 1s")
    fires = fired(api, schedule, 3)
    api.ask("POST", f"/schedules/{schedule['id']}/pause", json={})
    assert {fire["decision"] for fire in fires} == {"fired"}
    for fire in fires:
        execution = api.ends(fire["execution_id"])
        assert execution["status"] == "completed"
        assert execution["trigger"]["scheduled_at"] == fire["scheduled_at"] == execution["output"]


def test_a_changed_schedule_counts_at_once(api) -> None:
    schedule = save(api, "changing", "cron: '@yearly'")
    assert save(api, "changing", "every: 1s")["id"] == schedule["id"]
    fired(api, schedule, 1)
    api.ask("DELETE", "/workflows/changing", status=204)
    is_problem(api.client.get(f"{api.base}/schedules/{schedule['id']}"), 404, "not-found")


def test_what_is_wrong_is_said_when_it_is_saved(api) -> None:
    document = {"nodes": [{"id": "t", "type": "schedule", "params": {"cron": "0 0 30 2 *", "timezone": "Berlin"}}]}
    answer = api.client.put(f"{api.base}/workflows/wrong", json={**document, "edges": []})
    issues = {issue["path"]: issue["message"] for issue in is_problem(answer, 422)["errors"]}
    assert "never comes" in issues["nodes[0].params.cron"]
    assert "Europe/Berlin" in issues["nodes[0].params.timezone"]


def test_a_foreign_tenant_has_no_such_schedule(api) -> None:
    schedule = save(api, "mine", "cron: '@yearly'")
    api.client.post("/api/v1/tenants", json={"id": "foreign"})
    for method, path in (("GET", ""), ("GET", "/fires"), ("POST", "/pause"), ("POST", "/resume"), ("POST", "/trigger")):
        answer = api.client.request(method, f"/api/v1/tenants/foreign/schedules/{schedule['id']}{path}")
        is_problem(answer, 404, "not-found")


def test_the_command_line_shows_and_directs_schedules(api, service) -> None:
    save(api, "report", "cron: 0 9 * * MON-FRI, timezone: Europe/Berlin, name: Report")
    shown = service.flowrun("schedules", "list", "--workflow", "report").stdout
    assert "report/tick  Report  active" in shown
    assert "at 09:00 on weekdays, Europe/Berlin" in shown
    assert shown.count("09:00") == 6, "once in words, and the next five times"
    assert "paused" in service.flowrun("schedules", "pause", "report").stdout
    assert "next: none" in service.flowrun("schedules", "list", "--workflow", "report").stdout
    execution = service.flowrun("schedules", "trigger", "report/tick").stdout.strip()
    assert api.ends(execution)["status"] == "completed"
    assert "report is active, next at" in service.flowrun("schedules", "resume", "report").stdout
    fires = json.loads(service.flowrun("schedules", "fires", "report", "-o", "json").stdout)
    assert [(fire["decision"], fire["execution_id"]) for fire in fires] == [("triggered", execution)]
    missing = service.flowrun("schedules", "fires", "nothing", check=False)
    assert missing.returncode == 1
    assert "has no schedule 'nothing'" in missing.stderr
