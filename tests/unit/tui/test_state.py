"""The connection's words, the store's notes of what changed, histories and forms."""

from __future__ import annotations

from tui.connection import STALE, Connection, Link
from tui.detail import MOST_EVENTS, Detail
from tui.form import ANY_DATA, FormField, fields_of, read_fields, signal_form
from tui.history import execution_status, node_run
from tui.store import ALL, Store


def test_the_connection_is_live_stale_or_made_again():
    connection = Connection()
    assert connection.link(0) is Link.CONNECTING
    connection.open(10)
    assert connection.words(10.4) == "live 0.4s"
    assert connection.usable(10.4)
    assert connection.words(10 + STALE + 3) == f"stale {STALE + 3:.0f}s"
    assert not connection.usable(10 + STALE)
    connection.heard(20)
    assert connection.usable(20)
    connection.lost("gone")
    connection.lost("gone")
    assert connection.words(21) == "reconnecting 2"
    connection.lost("no", refused=True)
    assert connection.link(22) is Link.REFUSED
    connection.open(23)
    assert connection.link(23) is Link.LIVE


def test_a_socket_of_this_machine_is_asked_often_and_a_network_less():
    connection = Connection()
    pauses: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(2_000):
        connection.lost("gone")
        for local, found in pauses.items():
            found.append(connection.pause(local=local))
    assert pauses[False][:6] == [0.25, 0.5, 1, 2, 4, 5]
    assert max(pauses[False]) == 5
    assert max(pauses[True]) <= 1 / 1.3, "with what is added by chance, it is asked every second"
    connection.open(1)
    connection.lost("gone")
    assert connection.pause(local=False) == 0.25, "after a success it begins anew"


def test_the_store_notes_what_changed_once():
    store = Store()
    store.choose_tenant("acme")
    store.take_dirty()
    store.put_execution({"id": "1", "tenant_id": "acme", "status": "running", "workflow_id": "w"})
    store.put_execution({"id": "2", "tenant_id": "other", "status": "running", "workflow_id": "w"})
    assert store.take_dirty() == {"executions": {"1"}}
    assert store.take_dirty() == {}
    store.set_workflows([{"id": "w"}])
    store.set_workflows([{"id": "w"}])
    assert store.take_dirty() == {"workflows": {ALL}}


def test_a_command_is_pending_until_the_state_changes():
    store = Store()
    store.choose_tenant("acme")
    running = {"id": "1", "tenant_id": "acme", "status": "running", "workflow_id": "w"}
    store.put_execution(running)
    store.sent("1", "pausing", "running")
    store.put_execution(running)
    assert store.pending["1"].doing == "pausing"
    store.put_execution({**running, "status": "paused"})
    assert not store.pending


def test_a_detail_takes_each_event_once_and_holds_the_latest():
    detail = Detail("acme", "1")
    assert detail.put_events([{"seq": 1}, {"seq": 2}])
    assert not detail.put_events([{"seq": 2}])
    detail.put_events([{"seq": number} for number in range(3, MOST_EVENTS + 50)])
    assert len(detail.events) == MOST_EVENTS
    assert detail.last_seq == MOST_EVENTS + 49


def test_what_is_worth_seeing_is_followed_and_stands_for_a_loop():
    detail = Detail("acme", "1")
    done = {"status": "completed", "finished_at": "2026-11-22T10:00:00Z"}
    detail.put_runs(
        [{"node_id": "a", "iteration": "0", **done}, {"node_id": "a", "iteration": "1", "status": "running"}]
    )
    detail.put_runs([{"node_id": "b", "iteration": "", "status": "pending"}])
    assert detail.active() == ("a", "1")
    assert detail.first_run("a") == ("a", "1")
    detail.put_runs([{"node_id": "a", "iteration": "1", "status": "failed", "finished_at": "2026-11-22T09:00:00Z"}])
    assert detail.active() == ("a", "1"), "a failure goes before what ended later"


def test_events_say_how_nodes_and_executions_stand():
    event = {"type": "NodeQueued", "at": "T", "node_id": "a", "iteration": "", "data": {"attempt": 2, "dispatch": 5}}
    assert node_run(event) == {
        "node_id": "a",
        "iteration": "",
        "status": "queued",
        "queued_at": "T",
        "attempt": 2,
        "finished_at": None,
    }
    timeout = {"error": {"source": "timeout", "message": "m"}, "handling": "fail", "started_at": 0}
    found = node_run({"type": "NodeFailed", "at": "T", "node_id": "a", "data": timeout})
    assert found is not None
    assert (found["status"], found["started_at"]) == ("timed_out", "1970-01-01T00:00:00.000Z")
    assert node_run({"type": "ExecutionPaused", "at": "T", "node_id": None}) is None
    assert node_run({"type": "FromTheFuture", "at": "T", "node_id": "a"}) is None
    assert execution_status({"type": "ExecutionPaused"}) == "paused"
    assert execution_status({"type": "NodeQueued"}) is None


def test_events_say_along_which_edges_a_node_went_on_and_rereading_keeps_it():
    def taken(kind, **data):
        found = node_run({"type": kind, "at": "T", "node_id": "a", "iteration": "", "data": data})
        assert found is not None
        detail.put_runs([found])
        return found.get("taken")

    detail = Detail("acme", "1")
    assert taken("NodeStarted", dispatch=1, started_at=0) is None
    assert taken("NodeFailed", error={}, handling="fail") == ()
    assert taken("NodeCompleted", output=1) == ("",)
    assert taken("NodeCompleted", output=1, taken=["a->b:true"]) == ["a->b:true"]
    detail.replace_runs([{"node_id": "a", "iteration": "", "status": "completed"}])
    assert detail.runs["a", ""]["taken"] == ["a->b:true"]


def test_a_form_reads_each_field_as_its_type():
    inputs = {
        "id": {"type": "integer", "required": True},
        "name": {"type": "string", "default": "x"},
        "any": {},
        "flag": {"type": "boolean"},
    }
    fields = fields_of({"nodes": [{"type": "manual", "params": {"inputs": inputs}}]})
    assert [field.text for field in fields] == ["", "x", "", ""]
    assert read_fields(fields, {"id": "7", "name": "true", "any": "plain words", "flag": "true"}) == (
        {"id": 7, "name": "true", "any": "plain words", "flag": True},
        {},
    )
    values, wrong = read_fields(fields, {"id": "", "name": "", "any": "[1]", "flag": "1"})
    assert values == {"any": [1], "name": ""}
    assert set(wrong) == {"id", "flag"}
    assert read_fields(fields, {"id": "true"})[1]["id"] == "must be a whole number"


def test_what_was_typed_is_what_is_sent():
    fields = (FormField("any"), FormField("text", "string", default="x"))
    assert read_fields(fields, {"any": '{"x": [red]}'})[1]["any"].startswith("begins like JSON, and is none")
    assert read_fields(fields, {"any": "red", "text": ""}) == ({"any": "red", "text": ""}, {})
    assert read_fields(fields, {"any": "red"}) == ({"any": "red"}, {})
    assert fields_of({"nodes": [{"type": "webhook"}]}) == ()


def test_a_signal_asks_what_the_waiting_node_asks():
    assert signal_form({"form": None})[0][0].name == ANY_DATA
    approval = {"approval": True, "fields": [{"name": "why", "type": "textarea"}], "text": "Ship it?"}
    fields, note = signal_form({"form": approval})
    assert note == "Ship it?"
    assert fields == (FormField("approved", "boolean", required=True), FormField("why", "string"))


def test_what_a_node_has_called_is_known_whether_it_waits_for_it_or_not():
    detail = Detail("acme", "x")
    detail.put_runs([{"node_id": "call", "iteration": "", "type": "workflow", "called": "1"}])
    detail.put_runs([{"node_id": "start", "iteration": "", "type": "workflow", "called": None}])
    detail.put_runs([{"node_id": "http", "iteration": "", "type": "http", "called": None}])
    assert detail.called is None
    detail.selected = ("call", "")
    assert detail.called == "1"
    detail.payload = {"output": {"execution_id": "2"}}
    detail.selected = ("start", "")
    assert detail.called == "2"
    detail.selected = ("http", "")
    assert detail.called is None
