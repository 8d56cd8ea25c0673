"""Small and large terminals, no colour, no Unicode, and payloads that try to take the terminal over."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from support.screen import dashboard

from tui.widgets.rows import Rows

HOSTILE = "\x1b[2J\x1b]0;owned\x07 [bold red]markup[/] \u202egnp.exe \x9b31m \r\n\t\x00 \u0301"


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (200, 60)])
async def test_every_screen_fits(service, api, size):
    execution = api.start("broken")
    async with dashboard(service.socket, size=size) as seen:
        await seen.shows(execution[-6:])
        for go in (("tab",), ("2",), ("3",), ("1",), ("enter",), ("5",), ("m",), ("escape",)):
            await seen.press(*go)
            # A screen that was opened just now is drawn with its first layout, not with the key.
            await seen.until("has its header", lambda: seen.text.startswith(" flowrun"))
            lines = seen.text.split("\n")
            assert len(lines) == size[1]
            assert {cell_len(line) for line in lines} == {size[0]}


async def test_as_many_panes_as_there_is_room_for(service, api):
    execution = api.start("quick")
    async with dashboard(service.socket, size=(60, 20)) as seen:
        await seen.shows(execution[-6:])
        assert "Tenants" not in seen.text
        await seen.press("shift+tab")
        await seen.shows("Tenants")
        assert execution[-6:] not in seen.text
        await seen.press("tab")
        await seen.pilot.resize_terminal(100, 30)
        await seen.shows("Tenants", execution[-6:])
        assert "trigger" not in seen.text
        await seen.pilot.resize_terminal(160, 40)
        await seen.shows("Tenants", execution[-6:], "trigger")
        seen.app.screen.query_one("#execution-rows", Rows).focus()
        await seen.press("enter")
        await seen.shows("Graph", "Timeline", "[Output]")
        await seen.pilot.resize_terminal(60, 20)
        await seen.hides("Timeline")
        await seen.press("tab")
        await seen.shows("Timeline")
        await seen.press("escape")
        await seen.shows("Executions")
        await seen.press("enter")
        await seen.until("it was read", lambda: seen.app.store.detail and seen.app.store.detail.payload)
        await seen.until("it was shown", lambda: not seen.app.store.dirty)
        await seen.press("tab")
        await seen.shows("Timeline", "✔ done", "│0")


async def test_ascii_alone_is_drawn_where_nothing_else_is_known(service, api):
    execution = api.start("steps", {"ticket": 1})
    async with dashboard(service.socket, ascii=True) as seen:
        await seen.shows(execution[-6:])
        for go in ((), ("enter",), ("5",), ("escape",), ("w",), ("escape",), ("2",), ("3",)):
            await seen.press(*go)
            await seen.pilot.pause(0.3)
            assert seen.text.isascii(), sorted({char for char in seen.text if not char.isascii()})


async def test_no_color_is_obeyed(service, api, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    execution = api.start("broken")
    async with dashboard(service.socket) as seen:
        await seen.shows(execution[-6:], "✖")
        for strip in seen.app.screen._compositor.render_strips():
            filtered = strip.apply_filter(seen.app._filters[-1], seen.app.screen.background_colors[1])
            for segment in filtered:
                for colour in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                    shade = colour.triplet if colour is not None else None
                    assert shade is None or shade.red == shade.green == shade.blue


async def test_what_a_payload_holds_is_shown_and_never_obeyed(service, api):
    api.save(
        {
            "id": "hostile",
            "name": HOSTILE.replace("\x00", ""),
            "nodes": [
                {"id": "go", "type": "manual", "name": "[red]x[/] \x1b[31m"},
                {"id": "bad", "type": "fail", "params": {"message": "{{ input.text }}"}},
            ],
            "edges": [{"source": "go", "target": "bad"}],
        }
    )
    execution = api.start("hostile", {"text": HOSTILE.replace("\x00", ""), HOSTILE.replace("\x00", ""): [1]})
    async with dashboard(service.socket) as seen:
        await seen.shows(execution[-6:])
        for go in (("enter",), ("1",), ("3",), ("4",), ("5",), ("escape",), ("w",)):
            await seen.press(*go)
            await seen.pilot.pause(0.4)
            text = seen.text
            assert not [char for char in text if char != "\n" and (ord(char) < 32 or 127 <= ord(char) < 160)]
            assert "\u202e" not in text
        await seen.press("escape", "enter", "3")
        await seen.shows("[bold red]markup[/]")


async def test_a_payload_of_megabytes_is_folded_and_scrolled(service, api):
    big = {"rows": [{"id": n, "text": "x" * 80} for n in range(8_000)]}
    execution = api.start("quick", big)
    async with dashboard(service.socket) as seen:
        await seen.shows(execution[-6:])
        await seen.press("enter", "2")
        await seen.shows('"rows"')
        await seen.press("o")
        await seen.press("G")
        await seen.shows("}")
        await seen.press("slash")
        await seen.type("7999")
        await seen.press("enter")
        await seen.shows("7999")
