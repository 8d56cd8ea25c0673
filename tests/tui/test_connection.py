"""The connection breaks, comes back, is refused: what was shown stays, and nothing can be commanded meanwhile."""

from __future__ import annotations

import time

import pytest
from e2e.client import Api
from support.line import Line
from support.paced import QUICK, STEPS
from support.screen import Seen, dashboard
from support.service import Service
from support.stand_in import StandIn

from tui.app import Dashboard
from tui.place import Options, Place
from tui.service import PAGE
from tui.widgets.rows import Rows


@pytest.fixture
def own(tmp_path):
    """A service that a test may kill."""
    with Service(tmp_path / "d", log_level="warning") as service:
        yield service


async def test_the_service_is_killed_and_started_again_under_it(own):
    with own.operator() as client:
        api = Api(client)
        api.save(STEPS)
        execution = api.start("steps", {"ticket": 1})
    async with dashboard(own.socket) as seen:
        await seen.shows(execution[-6:], "live")
        own.kill()
        await seen.shows("reconnecting")
        assert execution[-6:] in seen.text, "the last data stays"
        await seen.press("p")
        await seen.told("pause is not possible: not connected")
        own.start()
        await seen.shows("live")
        assert seen.app.feed.resynced >= 1, "the service says that it was restarted"
        with own.operator() as client:
            later = Api(client).start("steps", {"ticket": 2})
        await seen.shows(later[-6:], execution[-6:])


async def test_a_service_that_was_away_for_long_is_found_at_once(own):
    async with dashboard(own.socket) as seen:
        own.kill()
        await seen.until("asked in vain for a while", lambda: seen.app.connection.attempts >= 7)
        own.start()
        back = time.monotonic()
        await seen.shows("live")
        assert time.monotonic() - back < 1.5


async def test_the_place_far_down_a_list_is_kept_over_a_restart(own):
    with own.operator() as client:
        api = Api(client)
        api.save(QUICK)
        first, *_ = [api.start("quick") for _ in range(PAGE + 20)]
    async with dashboard(own.socket) as seen:
        rows = seen.app.screen.query_one("#execution-rows", Rows)
        await seen.until("the first page is read", lambda: len(rows.keys) == PAGE)
        await seen.press("G")
        await seen.until("the second page is read", lambda: first in rows.keys)
        await seen.press("G", "space")
        assert (rows.cursor, rows.marked) == (first, {first})
        own.kill()
        await seen.shows("reconnecting")
        own.start()
        await seen.until("it is read again", lambda: seen.app.feed.resynced >= 1)
        await seen.shows("live")
        assert (rows.cursor, rows.marked) == (first, {first})


async def test_an_open_execution_goes_on_after_a_restart(own):
    with own.operator() as client:
        api = Api(client)
        api.save(STEPS)
        execution = api.start("steps", {"ticket": 1})
    async with dashboard(own.socket) as seen:
        seen.app.open_execution("default", execution)
        await seen.shows("◷ waiting", "answer")
        own.kill()
        await seen.shows("reconnecting")
        assert "◷ waiting" in seen.text
        own.start()
        await seen.shows("live")
        with own.operator() as client:
            assert Api(client).command(execution, "signal", {"node_id": "answer", "data": 1}).status_code == 202
        await seen.shows("✔ completed")
        await seen.press("5")
        await seen.shows("ExecutionCompleted")
        seqs = [event["seq"] for event in seen.app.store.detail.events]
        assert seqs == list(range(1, len(seqs) + 1)), "no gap, no repeat"


async def test_what_was_asked_for_while_nothing_was_missed_is_read_when_the_connection_is_back(service, api, tmp_path):
    broken, quick = api.start("broken"), api.start("quick")
    async with Line(tmp_path / "line", service.socket) as line, dashboard(line.socket) as seen:
        await seen.shows(broken[-6:], quick[-6:])
        line.cut()
        await seen.shows("reconnecting")
        await seen.filter("status:failed")
        await seen.hides(quick[-6:])
        assert "nothing fits the filter" not in seen.text, "that isn't known"
        resynced = seen.app.feed.resynced
        await line.mend()
        await seen.shows("live", broken[-6:], "Executions  status:failed")
        assert seen.app.feed.resynced == resynced, "the service still had what came meanwhile"


async def test_nothing_can_be_changed_with_readonly(service, api):
    execution = api.start("steps", {"ticket": 1})
    async with dashboard(service.socket, readonly=True) as seen:
        await seen.shows(execution[-6:], "read only")
        await seen.press("x")
        await seen.told("cancel is not possible: the dashboard was started with --readonly")
        await seen.press("n")
        await seen.told("start is not possible: the dashboard was started with --readonly")
        await seen.command("terminate")
        await seen.told("terminate is not possible")
        assert api.execution(execution)["status"] == "waiting"


async def test_a_tenants_key_over_the_network_sees_its_tenant_alone(service, api):
    answer = api.client.post(f"{api.base}/keys", json={"name": "eyes", "scopes": ["read"]}).json()
    execution = api.start("steps", {"ticket": 1})
    app = Dashboard(Options(Place(url=service.url, key=answer["key"]), "default"))
    async with app.run_test(size=(150, 44)) as pilot:
        seen = Seen(app, pilot)
        await seen.shows(execution[-6:], "live", f"127.0.0.1:{service.port}")
        assert answer["key"] not in seen.text
        live = await seen.until("what lives is known", lambda: app.store.stats.get("tenant", {}).get("executions"))
        await seen.shows(f"▸default{sum(live.values()):>16}")
        await seen.press("p")
        await seen.told("pause: ")
        assert api.execution(execution)["status"] == "waiting", "the key only reads"


async def test_what_is_no_service_is_said_so_and_asked_again():
    with StandIn(lambda _call: (200, {"hello": "there"}, 0.0)) as other:
        app = Dashboard(Options(Place(url=other.url), "default"))
        async with app.run_test(size=(140, 30)) as pilot:
            seen = Seen(app, pilot)
            await seen.shows("reconnecting")
            await seen.until("asked again", lambda: app.feed.connection.attempts >= 2)
            await seen.press("p")
            await seen.told("pause is not possible: not connected")


async def test_a_wrong_key_is_said_so(service):
    app = Dashboard(Options(Place(url=service.url, key="fr_000000000000_0000000000000000"), "default"))
    async with app.run_test(size=(120, 30)) as pilot:
        await Seen(app, pilot).shows("refused")
