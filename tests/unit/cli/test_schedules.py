"""`flowrun schedules`, against a stand-in for the service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

PATH = "/api/v1/tenants/default/schedules"
ID = "01a2052b-4712-77a0-a63e-23e7e0f062c3"


def schedule(**more):
    tomorrow = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return {
        "id": ID,
        "workflow_id": "report",
        "node_id": "tick",
        "name": "tick",
        "status": "active",
        "when": "at 09:00 every day, UTC",
        "timezone": "UTC",
        "next_times": [(tomorrow + timedelta(days=days)).isoformat() for days in (0, 1, 400)],
        **more,
    }


def page(*items):
    return 200, {"items": list(items), "next": None}


def test_list_says_the_next_times_in_words(service, run):
    service.on("GET", PATH, page(schedule()))
    output = run("schedules", "list").output
    assert "report/tick  active" in output
    assert "at 09:00 every day, UTC" in output
    far = datetime.now(UTC) + timedelta(days=401)
    assert f"next: tomorrow 09:00, {datetime.now(UTC) + timedelta(days=2):%a}" in output
    assert f"{far:%b} {far.year} 09:00" in output


def test_no_schedules(service, run):
    service.on("GET", PATH, page())
    result = run("schedules", "list")
    assert result.exit_code == 0
    assert "has no schedules" in result.output


def test_a_schedule_is_named_by_its_workflow(service, run):
    service.on("GET", PATH, page(schedule()))
    service.on("POST", f"{PATH}/{ID}/pause", (200, {"id": ID, "status": "paused", "next_at": None}))
    assert run("schedules", "pause", "report").output == "report is paused\n"
    assert run("schedules", "pause", ID).output == f"{ID} is paused\n"


def test_several_schedules_of_a_workflow_have_to_be_told_apart(service, run):
    service.on("GET", PATH, page(schedule(), schedule(id="other", node_id="tock")))
    service.on(
        "POST", f"{PATH}/other/resume", (200, {"id": "other", "status": "active", "next_at": "2030-01-01T00:00:00Z"})
    )
    result = run("schedules", "resume", "report")
    assert result.exit_code == 1
    assert "say which of report/tick, report/tock" in result.output
    assert run("schedules", "resume", "report/tock").output.startswith("report/tock is active, next at ")


def test_fires_show_what_was_skipped_and_why(service, run):
    skipped = {
        "scheduled_at": "2030-01-01T00:00:00Z",
        "through": "2030-01-02T00:00:00Z",
        "decision": "skipped_misfire",
        "reason": "could not be started",
        "execution_id": None,
    }
    service.on("GET", f"{PATH}/{ID}/fires", page(skipped))
    output = run("schedules", "fires", ID, "--decision", "skipped_misfire").output
    assert "skipped_misfire" in output
    assert "could not be started (up to 2030-01-0" in output
    assert "decision=skipped_misfire" in service.asked[-1]["query"]


def test_trigger_prints_the_execution(service, run):
    service.on("POST", f"{PATH}/{ID}/trigger", (202, {"execution_id": "e1"}))
    assert run("schedules", "trigger", ID).output == "e1\n"
