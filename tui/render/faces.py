"""How a node and a loop's frame look: sign, name, and what there is to say about its run."""

from __future__ import annotations

from collections.abc import Mapping

from tui.render.canvas import Box, Line
from tui.render.charset import DOWN, LEFT, RIGHT, UP, Charset, heavy
from tui.render.layout import Layout, Zoom
from tui.render.scale import LOOP_COUNT, SCALES
from tui.render.states import UNTOUCHED, NodeState, glyph, state_role
from tui.render.text import cells, clip, count, duration, safe, same_width


def draw_node(
    line: Line,
    y: int,
    layout: Layout,
    node: str,
    state: NodeState,
    charset: Charset,
    arms: Mapping[int, int],
    *,
    marked: bool,
) -> None:
    """Draw row `y` of a node's box; `arms` says in which columns of the row lines go where."""
    box = layout.boxes[node]
    if layout.zoom is Zoom.FULL:
        _draw_box(line, y, layout, node, state, charset, marked=marked)
        if y == box.y + 1 and arms.get(box.right - 1, 0) & RIGHT:
            leaving = arms[box.right - 1] & heavy(RIGHT)
            side = charset.marked[6] if marked else charset.line(UP | DOWN | leaving)
            line.put(box.right - 1, side, _border(state), marked=marked)
        return
    sign, role = glyph(state.status, charset), state_role(state.status)
    if layout.zoom is Zoom.GLYPH:
        line.put(box.x, sign, role, marked=marked)
        return
    line.write(box.x, "[" if marked else " ", "name", marked=marked)
    line.write(box.x + 1, sign, role, marked=marked)
    _name(line, box.x + 2, box.right - 1, layout, node, state, charset, marked=marked)
    line.write(box.right - 1, "]" if marked else " ", "name", marked=marked)


def _name(
    line: Line, x: int, end: int, layout: Layout, node: str, state: NodeState, charset: Charset, *, marked: bool
) -> int:
    label = label_of(layout, node, charset)
    room = end - x - 1
    back = layout.returns.get(node)
    x = line.write(x, " ", "name", marked=marked)
    suffix = f" {charset.back}{same_width(back, charset)}" if back else ""
    role = "name.dim" if state.status in UNTOUCHED else "name"
    x = line.write(x, clip(label, max(room - cells(suffix), 1), charset), role, marked=marked)
    x = line.write(x, suffix[: end - x], "detail", marked=marked)
    if layout.zoom is Zoom.TREE and state.done is not None:
        x = line.write(x, clip(f" {_rounds(state, charset)}", end - x, charset), "detail", marked=marked)
    return line.write(x, " " * (end - x), "name", marked=marked)


def label_of(layout: Layout, node: str, charset: Charset) -> str:
    """What a node is called, in the characters that there are."""
    found = layout.graph.nodes[node]
    return same_width(safe(found.name if layout.zoom is Zoom.FULL else found.id), charset)


def _draw_box(
    line: Line, y: int, layout: Layout, node: str, state: NodeState, charset: Charset, *, marked: bool
) -> None:
    box, corners = layout.boxes[node], charset.marked if marked else charset.box
    role = _border(state)
    if y in {box.y, box.bottom - 1}:
        left, right = (corners[0], corners[1]) if y == box.y else (corners[3], corners[2])
        line.write(box.x, left + corners[4] * (box.width - 2) + right, role, marked=marked)
        return
    line.put(box.x, corners[5], role, marked=marked)
    line.put(box.right - 1, corners[5], role, marked=marked)
    line.write(box.x + 1, " ", "name", marked=marked)
    line.write(box.right - 2, " ", "name", marked=marked)
    if y == box.y + 1:
        line.put(box.x + 2, glyph(state.status, charset), state_role(state.status), marked=marked)
        _name(line, box.x + 3, box.right - 2, layout, node, state, charset, marked=marked)
    else:
        text = _detail(layout.graph.nodes[node].type, state, box.width - 6, charset)
        line.write(box.x + 2, "  " + text + " " * (box.width - 6 - cells(text)), "detail", marked=marked)


def _border(state: NodeState) -> str:
    return state_role(state.status) if state.status not in UNTOUCHED else "frame"


def _rounds(state: NodeState, charset: Charset) -> str:
    """How far a loop is."""
    if state.done is None:
        return charset.loop
    total = "" if state.total is None else f"/{count(state.total)}"
    return f"{charset.loop} {count(state.done)}{total}"


def _detail(kind: str, state: NodeState, width: int, charset: Charset) -> str:
    """The second line of a box: as much of what there is to say as has room."""
    parts = [safe(kind, charset)]
    if state.total is not None:
        parts.append(f"{count(state.done or 0)}/{count(state.total)}")
    elif state.attempt > 1:
        parts.append(f"{glyph('retrying', charset)}{state.attempt}")
    if state.duration is not None:
        parts.append(duration(state.duration))
    text = ""
    for part in filter(None, parts):
        longer = f"{text} {charset.dot} {part}" if text else clip(part, width, charset)
        text = longer if cells(longer) <= width else text
    return text


def draw_frame(
    line: Line,
    y: int,
    layout: Layout,
    loop: str,
    state: NodeState,
    charset: Charset,
    arms: Mapping[int, int],
    *,
    marked: bool,
) -> None:
    """Draw row `y` of a loop's frame, with the loop as its title and the way back along its lower side."""
    box, parts = layout.regions[loop], charset.frame
    role = "frame.running" if state.status in {"running", "retrying", "waiting", "queued"} else "frame"
    if y == box.y:
        line.write(box.x, parts[0] + parts[4] * (box.width - 2) + parts[1], role, marked=marked)
        _title(line, box, layout, loop, state, charset, marked=marked)
    elif y == box.bottom - 1:
        line.write(box.x, parts[3] + parts[4] * (box.width - 2) + parts[2], role, marked=marked)
        line.put(box.x + box.width // 2, parts[6], role, marked=marked)
    else:
        # What comes in ends in an arrow before the frame; what goes on within begins at it.
        for x, sides in ((box.x, RIGHT), (box.right - 1, LEFT | RIGHT)):
            touching = arms.get(x, 0) & heavy(sides)
            char = charset.line(UP | DOWN | touching) if touching else parts[5]
            line.put(x, char, role, marked=marked)


def _title(
    line: Line, box: Box, layout: Layout, loop: str, state: NodeState, charset: Charset, *, marked: bool
) -> None:
    x = line.write(box.x + 2, "[" if marked else " ", "name", marked=marked)
    x = line.write(x, glyph(state.status, charset), state_role(state.status), marked=marked)
    if layout.zoom is not Zoom.GLYPH:
        label = clip(label_of(layout, loop, charset), SCALES[layout.zoom].longest, charset)
        role = "name.dim" if state.status in UNTOUCHED else "name"
        x = line.write(x, f" {label}", role, marked=marked)
        x = line.write(x, f" {clip(_rounds(state, charset), LOOP_COUNT, charset)}", "detail", marked=marked)
    else:
        x = line.write(x, charset.loop, "detail", marked=marked)
    line.write(x, "]" if marked else " ", "name", marked=marked)
