"""Keys that come faster than they take effect, as from a paste."""

from __future__ import annotations

from support.screen import dashboard
from textual.events import Key
from textual.keys import _character_to_key
from textual.widgets import Input


def paste(seen, text):
    for character in text:
        seen.app.post_message(Key(_character_to_key(character), character))


async def test_what_follows_the_slash_is_the_filter_and_no_command(service, api):
    broken, quick = api.start("broken"), api.start("quick")
    async with dashboard(service.socket) as seen:
        await seen.shows(broken[-6:], quick[-6:])
        # Each of these letters is a key: e would run the execution under the cursor once more.
        paste(seen, "/status:failed")
        seen.app.post_message(Key("enter", "\r"))
        await seen.hides(quick[-6:])
        await seen.shows(broken[-6:], "Executions  status:failed")
    listed = api.ask("GET", "/executions")["items"]
    assert {one["id"] for one in listed} == {broken, quick}


async def test_a_screen_that_a_key_opens_has_those_behind_it(service, api):
    execution = api.start("quick")
    async with dashboard(service.socket) as seen:
        await seen.shows(execution[-6:])
        paste(seen, ":")
        paste(seen, "queues")
        seen.app.post_message(Key("enter", "\r"))
        await seen.shows("in memory")


async def test_each_field_of_a_form_has_what_was_typed_for_it(service, api):
    inputs = {"word": {"type": "string"}, "number": {"type": "integer"}, "flag": {"type": "boolean"}}
    go = {"id": "go", "type": "manual", "params": {"inputs": inputs}}
    api.save({"id": "typed", "name": "Typed", "nodes": [go], "edges": []})
    async with dashboard(service.socket) as seen:
        await seen.command("start typed")
        await seen.shows("word  string")
        for text in ("abc", "42"):
            paste(seen, text)
            seen.app.post_message(Key("enter", "\r"))
        paste(seen, "true")
        entered = ["abc", "42", "true"]
        await seen.until("each is in its field", lambda: [one.value for one in seen.app.screen.query(Input)] == entered)
