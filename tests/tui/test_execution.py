"""One execution: what is selected is selected everywhere, and every command goes through the keyboard."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from support.screen import dashboard
from unit.tui.shapes import EXAMPLES

from tui.widgets.data import Data
from tui.widgets.graph import GraphView
from tui.widgets.rows import Rows

NAP = """
id: nap
name: Nap
nodes: [{ id: go, type: manual }, { id: sleep, type: delay, params: { for: 9h } }]
edges: [go -> sleep]
"""


@asynccontextmanager
async def _looking_at(service, execution, **options):
    async with dashboard(service.socket, **options) as seen:
        await seen.shows(execution[-6:])
        seen.app.open_execution("default", execution)
        await seen.until("it is read", lambda: seen.app.store.detail is not None and seen.app.store.detail.runs)
        await seen.until("its graph is drawn", lambda: seen.app.screen.query_one(GraphView)._layout is not None)
        yield seen


async def test_a_node_is_selected_everywhere_at_once(service, api):
    execution = api.start("steps", {"ticket": 7})
    async with _looking_at(service, execution) as seen:
        detail, screen = seen.app.store.detail, seen.app.screen
        await seen.until("it follows what waits", lambda: detail.selected == ("answer", ""))
        await seen.press("left")
        await seen.until("the graph selects", lambda: detail.selected == ("fetch", ""))
        assert screen.query_one("#run-rows", Rows).cursor == "fetch"
        await seen.shows("fetch · completed", '"ticket": 7')
        rows = screen.query_one("#run-rows", Rows)
        rows.focus()
        await seen.press("k")
        await seen.until("the timeline selects", lambda: detail.selected == ("go", ""))
        assert screen.query_one(GraphView)._selected == "go"
        await seen.press("5")
        await seen.shows("NodeCompleted", "ExecutionCreated")
        events = screen.query_one("#event-rows", Rows)
        await seen.until("the events have the focus", lambda: events.has_focus)
        await seen.press("g")
        place = [event["type"] for event in screen.query_one(Data)._events.values()].index("NodeWaiting")
        await seen.press(*["j"] * place)
        await seen.until("an event selects", lambda: detail.selected == ("answer", ""))
        assert screen.query_one(GraphView)._selected == "answer"


async def test_what_goes_on_is_seen_to_grow_older(service, api, monkeypatch):
    def pass_hours(hours):
        for module in ("app", "widgets.preview"):
            monkeypatch.setattr(f"tui.{module}.utc_now", lambda: datetime.now(UTC) + timedelta(hours=hours))

    api.save(NAP)
    execution = api.start("nap")
    async with dashboard(service.socket) as seen:
        await seen.shows(f"nap {execution[-6:]}", "took     00:0", "◷ sleep")
        pass_hours(2)
        await seen.shows("took     2:00:0")
        seen.app.open_execution("default", execution)
        await seen.shows("sleep · waiting · 2:00:", "waiting; due ", ", in 6:59:")
        pass_hours(4)
        await seen.shows("sleep · waiting · 4:00:", ", in 4:59:")


async def test_an_execution_that_is_deleted_leaves_the_list_and_says_so_where_it_is_looked_at(service, api):
    execution = api.start("steps", {"ticket": 5})
    api.ask("POST", f"/executions/{execution}/terminate", json={})
    async with _looking_at(service, execution) as seen:
        await seen.until("its history is at its end", lambda: seen.app.screen._watch.ended)
        api.ask("DELETE", f"/executions/{execution}", status=204)
        await seen.shows("this execution was deleted")
        await seen.press("escape")
        await seen.until("it has left", lambda: execution not in seen.app.store.page.rows)


async def test_an_execution_that_is_retried_while_it_is_looked_at_is_followed_again(service, api):
    execution = api.start("steps", {"ticket": 4})
    async with _looking_at(service, execution) as seen:
        api.ask("POST", f"/executions/{execution}/cancel", json={})
        await seen.shows("⊘ cancelled", "⊘ answer")
        await seen.until("its history is at its end", lambda: seen.app.screen._watch.ended)
        await seen.press("R")
        await seen.shows("◷ waiting", "◷ answer")
        api.ask("POST", f"/executions/{execution}/signal", json={"node_id": "answer", "data": None})
        await seen.shows("4/4", "✔ reply")


async def test_what_ends_beneath_another_execution_has_ended_when_one_comes_back(service, api):
    first, second = api.start("steps", {"ticket": 5}), api.start("steps", {"ticket": 6})
    async with _looking_at(service, first) as seen:
        beneath = seen.app.store.detail
        seen.app.open_execution("default", second)
        await seen.until("the other is in front", lambda: seen.app.store.detail is not beneath)
        api.ask("POST", f"/executions/{first}/signal", json={"node_id": "answer", "data": None})
        await seen.until("it has ended", lambda: beneath.execution["status"] == "completed")
        await seen.press("escape")
        await seen.shows("✔ completed", "4/4", "✔ reply")


async def test_pause_and_resume_are_shown_when_the_service_has_said_so(service, api):
    execution = api.start("steps", {"ticket": 1})
    async with _looking_at(service, execution) as seen:
        await seen.press("r")
        await seen.told("resume is not possible: it is waiting, not paused")
        await seen.press("p")
        await seen.shows("ǁ paused")
        assert api.execution(execution)["status"] == "paused"
        await seen.press("r")
        await seen.hides("ǁ paused")
        assert api.execution(execution)["status"] in {"running", "waiting"}
        assert not seen.app.store.pending


async def test_cancel_names_what_stops_and_has_the_focus_on_no(service, api):
    execution = api.start("steps", {"ticket": 1})
    async with _looking_at(service, execution) as seen:
        await seen.press("x")
        await seen.shows(f"Cancel steps {execution[-6:]}?", "1 node will stop: answer")
        await seen.press("enter")
        await seen.hides("will stop")
        assert api.execution(execution)["status"] == "waiting"
        await seen.press("x", "y")
        await seen.shows("cancelled")
        assert api.execution(execution)["status"] == "cancelled"


async def test_terminate_retry_and_rerun(service, api):
    execution = api.start("steps", {"ticket": 1})
    async with _looking_at(service, execution) as seen:
        await seen.press("X", "y")
        await seen.until("it is terminated", lambda: api.execution(execution)["status"] == "cancelled")
        await seen.shows("⊘ cancelled")
        await seen.press("R")
        await seen.until("it runs again", lambda: api.execution(execution)["status"] == "waiting")
        await seen.shows("◷ waiting")
        await seen.press("e")
        await seen.told("anew")
        newest = api.ask("GET", "/executions?limit=1")["items"][0]
        assert newest["rerun_of"] == execution


async def test_a_rerun_begins_at_the_selected_node(service, api):
    execution = api.start("broken")
    async with _looking_at(service, execution) as seen:
        detail = seen.app.store.detail
        await seen.until("what failed is selected", lambda: detail.selected == ("parse", ""))
        await seen.press("3")
        await seen.shows("row 17 has no price", "bad_row")
        await seen.press("E")
        await seen.told("anew")
        newest = api.ask("GET", "/executions?limit=1")["items"][0]
        assert newest["rerun_of"] == execution
        kept = {run["node_id"]: run["status"] for run in api.ask("GET", f"/executions/{newest['id']}/nodes")["items"]}
        assert kept["fetch"] == "completed"


async def test_a_signal_carries_on_what_waits_for_it(service, api):
    execution = api.start("steps", {"ticket": 1})
    async with _looking_at(service, execution) as seen:
        await seen.until("what waits is selected", lambda: seen.app.store.detail.selected == ("answer", ""))
        await seen.press("s")
        await seen.shows("Signal answer", "data")
        await seen.type("42")
        await seen.press("enter")
        await seen.shows("✔ completed")
        assert api.ask("GET", f"/executions/{execution}/nodes/answer")["output"]["data"] == 42


async def test_one_goes_from_a_call_to_what_it_called_and_back(service, api):
    nodes = [
        {"id": "go", "type": "manual"},
        {"id": "call", "type": "workflow", "params": {"workflow_id": "steps", "input": {"ticket": 1}}},
    ]
    edges = [{"source": "go", "target": "call"}]
    api.save({"id": "caller", "name": "Caller", "nodes": nodes, "edges": edges})
    execution = api.start("caller")
    async with _looking_at(service, execution) as seen:
        called = await seen.until("it has called", lambda: api.nodes(execution)["call"]["called"])
        await seen.shows("call · waiting", f"waits for the execution {called[-6:]}: c opens it")
        await seen.press("u")
        await seen.told("no other execution has called this one")
        await seen.press("c")
        await seen.shows(f"executions ▸ {called[-6:]}", "answer")
        await seen.until("it was read", lambda: (seen.app.store.detail.execution or {}).get("trigger"))
        await seen.press("u")
        await seen.shows(f"executions ▸ {execution[-6:]}")
        assert api.nodes(execution)["call"]["due_at"] is None, "a call waits for no time"


async def test_a_loop_says_how_far_it_is(service, api):
    nodes = [
        {"id": "go", "type": "manual"},
        {"id": "each", "type": "for_each", "params": {"items": "range(12)", "concurrency": 3}},
        {"id": "ask", "type": "wait_for_signal"},
    ]
    edges = [{"source": "go", "target": "each"}, {"source": "each", "target": "ask", "source_handle": "each"}]
    api.save({"id": "rounds", "name": "Rounds", "nodes": nodes, "edges": edges})
    execution = api.start("rounds")
    async with _looking_at(service, execution) as seen:
        await seen.shows("each ⟳ 0/12", "ask ⟳3")
        for data in range(2):
            assert api.command(execution, "signal", {"name": "ask", "data": data}).status_code == 202
        await seen.shows("each ⟳ 2/12", "ask ⟳5")


async def test_of_what_has_failed_the_error_is_shown_unless_one_asks_for_the_output(service, api):
    execution = api.start("broken")
    async with _looking_at(service, execution) as seen:
        await seen.shows("parse · failed", "[Error]", "row 17 has no price")
        await seen.press("2")
        await seen.shows("[Output]", "no output")
        await seen.press("left_square_bracket")
        await seen.shows("fetch · completed", "[Output]", '"rows": 17')
        await seen.press("right_square_bracket")
        await seen.shows("parse · failed", "[Error]")


async def test_a_stuck_node_is_skipped_with_an_output_of_ones_own(service, api):
    execution = api.start("steps", {"ticket": 1})
    async with _looking_at(service, execution) as seen:
        await seen.until("what waits is selected", lambda: seen.app.store.detail.selected == ("answer", ""))
        await seen.press("K")
        await seen.shows("Skip answer")
        await seen.press("end", "backspace", "backspace")
        await seen.type("5")
        await seen.press("ctrl+s")
        await seen.shows("✔ completed")
        assert api.ask("GET", f"/executions/{execution}/nodes/answer")["output"] == 5


async def test_a_skipped_approval_leaves_by_the_port_that_is_entered(service, api):
    nodes = [
        {"id": "go", "type": "manual"},
        {"id": "ask", "type": "wait_for_signal", "params": {"approval": True}},
        {"id": "pay", "type": "noop"},
        {"id": "refuse", "type": "noop"},
    ]
    edges = [
        {"source": "go", "target": "ask"},
        {"source": "ask", "target": "pay", "source_handle": "approved"},
        {"source": "ask", "target": "refuse", "source_handle": "rejected"},
    ]
    api.save({"id": "asks", "name": "Asks", "nodes": nodes, "edges": edges})
    execution = api.start("asks")
    async with _looking_at(service, execution) as seen:
        await seen.until("what waits is selected", lambda: seen.app.store.detail.selected == ("ask", ""))
        await seen.press("K")
        await seen.shows("Skip ask", "port", "approved | rejected")
        await seen.press("ctrl+s")
        await seen.shows("port is needed")
        await seen.press("tab")
        await seen.type("rejected")
        await seen.press("ctrl+s")
        await seen.shows("✔ completed")
        assert {name: run["status"] for name, run in api.nodes(execution).items()} == {
            "go": "completed",
            "ask": "completed",
            "pay": "skipped",
            "refuse": "completed",
        }


async def test_an_execution_that_is_gone_says_so(service, api):
    api.start("quick")
    async with dashboard(service.socket) as seen:
        seen.app.open_execution("default", "00000000-0000-7000-8000-000000000000")
        await seen.shows("has no execution 00000000")
        assert "reading" not in seen.text
        await seen.press("escape")
        await seen.shows("Workflows")


async def test_search_folds_and_copies(service, api):
    execution = api.start("steps", {"ticket": 77})
    async with _looking_at(service, execution) as seen:
        await seen.until("it follows what waits", lambda: seen.app.store.detail.selected == ("answer", ""))
        await seen.press("left", "2")
        await seen.shows('"ticket": 77')
        await seen.press("slash")
        await seen.type("history")
        await seen.press("enter", "y")
        await seen.told("copied history")
        await seen.press("Y")
        await seen.told("copied the path")
        await seen.press("i")
        await seen.shows("the execution")


async def test_the_graph_shows_which_edges_were_taken_into_one_node(service, api):
    api.save((EXAMPLES / "refund-approval.yaml").read_text())
    small, large = api.start("refund-approval", {"amount": 5}), api.start("refund-approval", {"amount": 500})
    async with _looking_at(service, small, size=(170, 44)) as seen:
        await seen.shows("┏━true━", "─approved─", "┺━▸")
    api.command(large, "signal", {"node_id": "decide", "data": {"approved": True}})
    async with _looking_at(service, large, size=(170, 44)) as seen:
        await seen.shows("╭─true─", "━approved━", "┷━▸")
