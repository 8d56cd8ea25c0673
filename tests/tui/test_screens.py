"""The other screens: a workflow, queues and workers, schedules, the start form, help, the palette."""

from __future__ import annotations

from support.screen import dashboard

from tui.widgets.rows import Rows

SCHEDULED = """
id: nightly
name: Nightly
nodes:
  - { id: night, type: schedule, params: { cron: "0 3 * * *", timezone: Europe/Berlin } }
  - { id: done, type: noop }
edges: [night -> done]
"""


async def test_a_workflow_shows_its_picture_its_triggers_and_its_runs(service, api):
    execution = api.start("broken")
    async with dashboard(service.socket) as seen:
        await seen.shows(execution[-6:])
        await seen.press("w")
        await seen.shows("workflows ▸ broken", "Definition", "parse", "go  manual", execution[-6:])
        later = api.start("broken")
        await seen.shows(later[-6:])
        await seen.press("enter")
        await seen.shows(f"executions ▸ {later[-6:]}")
        await seen.press("escape", "escape")
        await seen.shows("Tenants")


async def test_a_saved_version_is_shown_at_once(service, api):
    two = {"id": "versions", "name": "First name", "nodes": [{"id": "go", "type": "manual"}], "edges": []}
    api.save(two)
    async with dashboard(service.socket) as seen:
        await seen.command("workflow versions")
        await seen.shows("First name", "version 1")
        api.save({**two, "name": "Second name"})
        await seen.shows("Second name", "version 2")
        await seen.press("left_square_bracket")
        await seen.shows("First name", "version 1")


async def test_another_version_stays_in_sight_while_workflows_are_saved(service, api):
    first = {"id": "kept", "name": "First name", "nodes": [{"id": "go", "type": "manual"}], "edges": []}
    api.save(first)
    api.save({**first, "name": "Second name"})
    async with dashboard(service.socket) as seen:
        await seen.command("workflow kept")
        await seen.shows("Second name", "version 2")
        await seen.press("left_square_bracket")
        await seen.shows("First name", "version 1 of 2")
        api.save({**first, "name": "Third name"})
        await seen.shows("First name", "version 1 of 3")
        await seen.press("right_square_bracket")
        await seen.shows("Second name", "version 2 of 3")
        await seen.press("right_square_bracket")
        await seen.shows("Third name")
        api.save({**first, "name": "Fourth name"})
        await seen.shows("Fourth name")


async def test_a_workflows_runs_are_all_there_whatever_the_overview_filters(service, api):
    async with dashboard(service.socket) as seen:
        await seen.filter("status:failed")
        await seen.command("workflow quick")
        await seen.shows("workflows ▸ quick", "Runs")
        execution = api.start("quick")
        await seen.until("it is listed", lambda: execution in seen.app.screen.query_one("#run-rows", Rows).keys)
        await seen.shows(execution[-6:], "✔")
        await seen.press("enter")
        await seen.shows(f"executions ▸ {execution[-6:]}")
        beneath = api.start("quick")
        await seen.press("escape")
        await seen.shows(beneath[-6:])


async def test_a_workflow_that_is_deleted_meanwhile_says_so(service, api):
    api.save({"id": "shortlived", "name": "Short life", "nodes": [{"id": "go", "type": "manual"}], "edges": []})
    async with dashboard(service.socket) as seen:
        await seen.command("workflow shortlived")
        await seen.shows("Short life", "published")
        api.ask("DELETE", "/workflows/shortlived")
        await seen.shows("Short life", "has no workflow shortlived")
        await seen.press("n")
        await seen.shows("has no workflow shortlived")


async def test_queues_and_workers_show_figures(service, api):
    api.start("quick")
    async with dashboard(service.socket) as seen:
        await seen.press("2")
        await seen.shows("webhook", "agent", "response", "scheduler", "commits/s", "memory", "uptime")
        await seen.press("1")
        await seen.shows("Tenants", "Executions")


async def test_a_schedule_is_paused_resumed_and_fired(service, api):
    api.save(SCHEDULED)
    async with dashboard(service.socket) as seen:
        await seen.press("3")
        await seen.shows("nightly", "Next times", "Europe/Berlin")
        await seen.press("r")
        await seen.told("that is not possible: it is active")
        await seen.press("p")
        await seen.until("it is paused", lambda: _schedule(api)["status"] == "paused")
        await seen.shows("ǁ")
        await seen.press("r")
        await seen.until("it is active", lambda: _schedule(api)["status"] == "active")
        await seen.until("the list says so", lambda: "ǁ" not in seen.text)
        await seen.press("n")
        await seen.told("started nightly")
        assert api.ask("GET", "/executions?workflow=nightly")["items"]


def _schedule(api):
    return api.ask("GET", "/schedules")["items"][0]


async def test_a_workflow_is_started_with_a_form_of_its_inputs(service, api):
    api.start("steps", {"ticket": 0})
    async with dashboard(service.socket) as seen:
        await seen.command("start steps")
        await seen.shows("Start steps", "ticket", "integer", "required", "Which one.", "subject")
        await seen.press("ctrl+s")
        await seen.shows("ticket is needed")
        await seen.type("many")
        await seen.press("ctrl+s")
        await seen.shows("ticket must be a whole number")
        await seen.press(*["backspace"] * 4)
        await seen.type("12")
        await seen.press("ctrl+s")
        await seen.shows("Timeline", "steps v1")
        newest = api.ask("GET", "/executions?limit=1")["items"][0]
        assert api.execution(newest["id"])["input"] == {"ticket": 12, "subject": "nothing"}


async def test_a_workflow_without_declared_inputs_takes_json(service, api):
    api.start("quick")
    async with dashboard(service.socket) as seen:
        await seen.command("start quick")
        await seen.shows("input  JSON")
        await seen.type("{1}")
        await seen.press("ctrl+s")
        await seen.shows("Start quick")
        await seen.press("backspace", "backspace", "backspace")
        await seen.type("[1]")
        await seen.press("ctrl+s")
        await seen.shows("Timeline", "quick v1")
        newest = api.ask("GET", "/executions?limit=1")["items"][0]
        assert api.execution(newest["id"])["input"] == [1]


async def test_help_commands_and_the_palette(service, api):
    api.start("quick")
    async with dashboard(service.socket) as seen:
        await seen.press("question_mark")
        await seen.shows("Everywhere", "command line", "follow the running node")
        await seen.press("escape")
        await seen.command("nonsense")
        await seen.told("there is no command 'nonsense'")
        await seen.press("ctrl+p")
        await seen.shows("Queues and workers")
        await seen.type("schedules")
        await seen.shows("What fires when")
        await seen.press("escape")
        await seen.command("queues")
        await seen.shows("service ▸ queues")


async def test_what_is_typed_after_a_slash_is_no_commands(service, api):
    execution = api.start("broken")
    async with dashboard(service.socket) as seen:
        await seen.command(f"open {execution}")
        await seen.shows(f"executions ▸ {execution[-6:]}")
        await seen.press("slash", "f", "e", "t", "enter")
        await seen.told("'fet' is not there")
        await seen.press("escape", "3")
        await seen.press("slash", "p", "r", "enter")
        await seen.told("there is nothing to search in here")


async def test_a_page_turned_in_a_palette_that_is_still_empty_does_no_harm(service):
    async with dashboard(service.socket) as seen:
        await seen.press("ctrl+p", "pagedown", "pageup", "escape")
        await seen.shows("Tenants")


async def test_a_long_form_shows_what_is_wrong_and_its_buttons_on_a_small_terminal(service, api):
    inputs = {f"field{number}": {"type": "integer", "required": True} for number in range(9)}
    go = {"id": "go", "type": "manual", "params": {"inputs": inputs}}
    api.save({"id": "long", "name": "Long", "nodes": [go], "edges": []})
    async with dashboard(service.socket, size=(80, 24)) as seen:
        await seen.command("start long")
        await seen.shows("field0", "Start", "Cancel")
        await seen.type("x")
        await seen.press("ctrl+s")
        await seen.shows("must be", "Start")
        await seen.press(*["tab"] * 8)
        await seen.type("4711")
        await seen.shows("4711")


async def test_an_execution_is_opened_by_either_end_of_its_id(service, api):
    one, two = api.start("broken"), api.start("quick")
    async with dashboard(service.socket) as seen:
        await seen.shows(one[-6:], two[-6:])
        await seen.command("open")
        await seen.told("open which?")
        await seen.command(f"open {two[:3]}")
        await seen.told(f"several ids begin or end with {two[:3]}")
        await seen.command("open zzz")
        await seen.told("no id begins with zzz")
        await seen.filter("workflow:quick")
        await seen.hides(one[-6:])
        await seen.command(f"open {one[:-1]}")
        await seen.shows(f"executions ▸ {one[-6:]}")
        await seen.press("escape")
        await seen.command(f"open {two[-6:]}")
        await seen.shows(f"executions ▸ {two[-6:]}")
