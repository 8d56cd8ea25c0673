"""The first screen: what it lists, how it filters, marks, pages, and keeps its place."""

from __future__ import annotations

from support.paced import QUICK
from support.screen import dashboard

from tui.page import MOST
from tui.widgets.rows import Rows


def _rows(seen):
    return seen.app.screen.query_one("#execution-rows", Rows)


async def test_executions_come_in_and_change_while_one_looks(service, api):
    async with dashboard(service.socket) as seen:
        await seen.shows("flowrun ● live", "default", "steps", "broken", "quick", "ctx: local")
        execution = api.start("steps", {"ticket": 1})
        await seen.shows(execution[-6:], "2/4")
        api.ask("POST", f"/executions/{execution}/signal", json={"node_id": "answer", "data": None})
        await seen.shows("4/4")
        assert execution[-6:] in seen.text


async def test_where_nothing_is_the_first_steps_are_told(service, api):
    api.client.post("/api/v1/tenants", json={"id": "fresh"}).raise_for_status()
    async with dashboard(service.socket, tenant="fresh") as seen:
        await seen.shows("no workflow yet: flowrun apply FILE brings one", "none yet")
        await seen.press("n")
        await seen.told("there is no workflow yet: `flowrun apply FILE` brings one")
        api.of("fresh").save(QUICK)
        await seen.shows("nothing has run yet: n starts a workflow")
        await seen.filter("status:failed")
        await seen.shows("nothing fits the filter: esc shows all")


async def test_a_tenant_that_is_made_meanwhile_switches_to_nobody(service, api):
    async with dashboard(service.socket) as seen:
        api.client.post("/api/v1/tenants", json={"id": "aaaa"}).raise_for_status()
        tenants = seen.app.screen.query_one("#tenant-rows", Rows)
        await seen.until("it is listed", lambda: "aaaa" in tenants.keys)
        assert (tenants.cursor, seen.app.store.tenant) == ("default", "default")
        tenants.focus()
        await seen.press("k")
        await seen.until("a key chooses it", lambda: seen.app.store.tenant == "aaaa")


async def test_a_tenant_that_is_not_there_is_told_and_no_other_is_opened(service):
    async with dashboard(service.socket, tenant="nope", primed=False) as seen:
        await seen.shows("there is no tenant nope")
        assert seen.app.store.tenant is None


async def test_the_filter_shows_what_it_names_and_says_what_it_does_not_know(service, api):
    broken, quick = api.start("broken"), api.start("quick")
    async with dashboard(service.socket) as seen:
        await seen.shows(broken[-6:], quick[-6:])
        await seen.filter("status:failed")
        await seen.hides(quick[-6:])
        await seen.shows(broken[-6:], "Executions  status:failed")
        later, other = api.start("broken"), api.start("quick")
        await seen.shows(later[-6:])
        assert other[-6:] not in seen.text, "what comes in is filtered, too"
        await seen.press("slash")
        await seen.press(*["backspace"] * 20)
        await seen.type("colour:red")
        await seen.press("enter")
        await seen.told("colour: is no filter")
        await seen.press("escape")
        await seen.shows(quick[-6:], "Executions  all")


async def test_what_one_asks_for_is_shown_at_once_even_in_a_flood(service, api):
    broken, quick = api.start("broken"), api.start("quick")
    async with dashboard(service.socket) as seen:
        await seen.shows(broken[-6:], quick[-6:])
        seen.app._lists_at = float("inf")
        later = api.start("quick")
        await seen.until("it has come", lambda: later in seen.app.store.page.rows)
        assert later not in _rows(seen).keys, "lists aren't drawn for news now"
        await seen.filter("status:failed")
        await seen.until("the filter counts", lambda: broken in _rows(seen).keys and quick not in _rows(seen).keys)


async def test_the_cursor_keeps_its_row_when_others_come_in_above(service, api):
    first = api.start("quick")
    api.start("quick")
    async with dashboard(service.socket) as seen:
        await seen.shows(first[-6:])
        await seen.press("j")
        assert _rows(seen).cursor == first
        more = [api.start("quick") for _ in range(5)]
        await seen.until("the newest is listed", lambda: _rows(seen).keys[0] == more[-1])
        assert _rows(seen).cursor == first
        await seen.press("t")
        assert _rows(seen).cursor == more[-1]
        newest = api.start("quick")
        await seen.until("the cursor stays with the newest", lambda: _rows(seen).cursor == newest)


async def test_a_command_on_marked_rows_asks_once_and_names_them(service, api):
    waiting = [api.start("steps", {"ticket": n}) for n in range(3)]
    async with dashboard(service.socket) as seen:
        await seen.filter("status:waiting workflow:steps")
        await seen.shows(*(one[-6:] for one in waiting))
        await seen.press("space", "space", "x")
        await seen.shows("Cancel 2 executions?", "No, leave it")
        await seen.press("enter")
        await seen.hides("Cancel 2 executions?")
        assert [api.execution(one)["status"] for one in waiting] == ["waiting"] * 3, "the focus was on No"
        await seen.press("x", "right", "enter")
        await seen.told("cancel: 2 done")
        await seen.hides(waiting[2][-6:], waiting[1][-6:])
        assert api.execution(waiting[0])["status"] == "waiting"


async def test_marks_of_what_was_done_go_and_what_cannot_be_done_is_told_and_stays_marked(service, api):
    failed = api.start("broken")
    ended, waiting = api.start("quick"), [api.start("steps", {"ticket": n}) for n in range(2)]
    async with dashboard(service.socket) as seen:
        await seen.until("all are listed", lambda: _rows(seen).keys[:4] == [*waiting[::-1], ended, failed])
        await seen.until("it has ended", lambda: seen.app.store.page.rows[ended]["status"] == "completed")
        await seen.until("it has failed", lambda: seen.app.store.page.rows[failed]["status"] == "failed")
        await seen.press("g", *["space"] * 4)
        assert [one["id"] for one in seen.app.screen.target().marked] == _rows(seen).keys[:4], "as they are listed"
        await seen.press("x")
        await seen.shows("Cancel 2 executions?", "1 left alone: it has ended (completed)")
        await seen.shows("1 left alone: it has ended (failed)")
        await seen.press("right", "enter")
        await seen.told("cancel: 2 done, 2 left alone")
        assert _rows(seen).marked == {ended, failed}
        seen.app.unmark([failed])
        await seen.press("R")
        await seen.told("retry is not possible: it is completed")


async def test_older_executions_are_read_as_one_scrolls(service, api):
    for _ in range(120):
        api.start("quick")
    async with dashboard(service.socket) as seen:
        await seen.until("the first page is listed", lambda: len(_rows(seen).keys) >= 100)
        assert len(_rows(seen).keys) <= MOST
        held = len(_rows(seen).keys)
        await seen.press("G")
        await seen.until("the next page is listed", lambda: len(_rows(seen).keys) > held)


async def test_another_tenant_is_chosen_by_name_and_by_hand(service, api):
    api.ask("GET", "/executions")
    assert api.client.post("/api/v1/tenants", json={"id": "acme"}).is_success
    acme = api.of("acme")
    acme.save({"id": "theirs", "name": "t", "nodes": [{"id": "go", "type": "manual"}], "edges": []})
    execution = acme.start("theirs")
    async with dashboard(service.socket, tenant=None) as seen:
        await seen.shows("acme", "default")
        await seen.command("tenant acme")
        await seen.shows("theirs", execution[-6:], "acme ▸ executions")
        await seen.hides("broken")
        await seen.command("tenant nobody")
        await seen.told("there is no tenant 'nobody'")
        rows = seen.app.screen.query_one("#tenant-rows", Rows)
        rows.focus()
        await seen.press("down" if rows.keys.index("acme") < rows.keys.index("default") else "up")
        await seen.shows("broken", "default ▸ executions")


async def test_a_click_moves_the_cursor_and_two_open(service, api):
    execution, newer = api.start("quick"), api.start("quick")
    async with dashboard(service.socket) as seen:
        await seen.shows(execution[-6:], newer[-6:])
        line = _rows(seen).keys.index(execution) + 1
        await seen.pilot.click("#execution-rows", offset=(20, line))
        await seen.until("the cursor moves", lambda: _rows(seen).cursor == execution)
        await seen.pilot.click("#execution-rows", offset=(20, line), times=2)
        await seen.shows(f"executions ▸ {execution[-6:]}", "Timeline")


async def test_the_line_of_keys_is_pressed_with_the_mouse(service, api):
    execution = api.start("steps", {"ticket": 1})
    async with dashboard(service.socket) as seen:
        await seen.shows(execution[-6:])
        line = seen.text.split("\n")[-1]
        await seen.pilot.click("#keys", offset=(line.index("p pause"), 0))
        await seen.until("it is paused", lambda: api.execution(execution)["status"] == "paused")
        await seen.shows("ǁ")
        await seen.pilot.click("#keys", offset=(seen.text.split("\n")[-1].index("2 queues"), 0))
        await seen.shows("service ▸ queues")


async def test_a_flood_is_drawn_without_losing_the_last_state(service, api):
    async with dashboard(service.socket) as seen:
        started = [api.start("quick") for _ in range(200)]
        page = seen.app.store.page
        await seen.until(
            "all are known as completed",
            lambda: all(page.rows.get(one, {}).get("status") == "completed" for one in started),
        )
        await seen.shows(started[-1][-6:])


async def test_the_cursor_stays_with_what_was_opened_and_read(service, api):
    read = api.start("broken")
    async with dashboard(service.socket) as seen:
        await seen.shows(read[-6:])
        await seen.press("g", "enter")
        await seen.shows(f"executions ▸ {read[-6:]}")
        later = api.start("broken")
        await seen.press("escape")
        await seen.until("the later one is listed", lambda: later in _rows(seen).keys)
        assert _rows(seen).cursor == read
        await seen.press("g")
        assert _rows(seen).cursor == later


async def test_a_key_is_not_taken_by_the_neighbour_of_a_row_that_has_just_left(service, api):
    first, second = api.start("steps", {"ticket": 1}), api.start("steps", {"ticket": 2})
    async with dashboard(service.socket) as seen:
        await seen.filter("status:live workflow:steps")
        await seen.shows(first[-6:], second[-6:])
        await seen.press("g")
        assert _rows(seen).cursor == second
        api.ask("POST", f"/executions/{second}/cancel", json={})
        await seen.until("it leaves the list", lambda: _rows(seen).cursor == first)
        await seen.press("p")
        await seen.told("the row under the cursor has left the list")
        assert api.execution(first)["status"] != "paused"
        await seen.press("g", "p")
        await seen.until("paused", lambda: api.execution(first)["status"] == "paused")
