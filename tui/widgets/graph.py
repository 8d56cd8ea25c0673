"""The picture of a workflow: panned, zoomed, and selected in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.look import segments, style
from tui.render.canvas import Box, Row
from tui.render.charset import Charset
from tui.render.graph import Graph, Layout, Plan, Zoom, arrange, best_layout, follow, paint, plan_graph
from tui.render.states import Bodies, NodeState
from tui.widgets.surface import on_background

_ZOOMS = (Zoom.GLYPH, Zoom.COMPACT, Zoom.FULL)


class GraphView(Widget, can_focus=True):
    """Draws the part of the picture that is in sight."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "beside('left')", "left", show=False),
        Binding("right,l", "beside('right')", "right", show=False),
        Binding("up,k", "beside('up')", "up", show=False),
        Binding("down,j", "beside('down')", "down", show=False),
        Binding("shift+left", "pan(-8, 0)", "pan left", show=False),
        Binding("shift+right", "pan(8, 0)", "pan right", show=False),
        Binding("shift+up", "pan(0, -3)", "pan up", show=False),
        Binding("shift+down", "pan(0, 3)", "pan down", show=False),
        Binding("plus,equals_sign", "zoom(1)", "larger", show=False),
        Binding("minus", "zoom(-1)", "smaller", show=False),
        Binding("0", "zoom(0)", "fit", show=False),
        Binding("enter", "open", "its data", show=False),
    ]

    class Selected(Message):
        """A node was selected."""

        def __init__(self, node: str) -> None:
            super().__init__()
            self.node = node

    class Opened(Message):
        """The selected node was chosen."""

    def __init__(self, charset: Charset, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._charset = charset
        self._plan: Plan | None = None
        self._layout: Layout | None = None
        self._zoom: Zoom | None = None
        """None: the largest that fits."""
        self._states: Mapping[str, NodeState] = {}
        self._selected: str | None = None
        self._x = self._y = 0
        self._rows: list[Row] | None = None
        self._dragged: tuple[int, int] | None = None
        self._why = "reading"

    # --- what is shown

    def set_plan(self, plan: Plan) -> None:
        """Show another graph."""
        self._plan = plan
        self._arrange()

    def say_why_empty(self, why: str) -> None:
        """Show this as long as there is no graph."""
        if why != self._why:
            self._why = why
            self.refresh()

    @property
    def bodies(self) -> Bodies:
        """The nodes in each loop's body."""
        return {} if self._plan is None else self._plan.bodies

    def set_states(self, states: Mapping[str, NodeState]) -> None:
        """Show how the nodes stand."""
        self._states = states
        self._redraw()

    def select(self, node: str | None) -> None:
        """Select a node without telling anyone, and bring it into sight."""
        if node != self._selected:
            self._selected = node
            self._show_selected()
            self._redraw()

    def _arrange(self) -> None:
        if self._plan is None or not self.size.width:
            return
        if self._zoom is None:
            self._layout = best_layout(self._plan, self.size.width, self.size.height)
        else:
            self._layout = arrange(self._plan, self._zoom)
        self._x = self._y = 0
        self._clamp()
        self._show_selected()
        self._redraw()

    def _show_selected(self) -> None:
        layout = self._layout
        if layout is not None and self._selected in layout.boxes:
            crop = follow(layout, self._selected, self._crop())
            self._x, self._y = crop.x, crop.y
            self._clamp()

    def _crop(self) -> Box:
        return Box(self._x, self._y, self.size.width, self.size.height)

    def _clamp(self) -> None:
        """A picture smaller than the pane stands in its middle, a larger one fills it."""
        if self._layout is not None:
            self._x = _within(self._x, self._layout.width, self.size.width)
            self._y = _within(self._y, self._layout.height, self.size.height)

    def _redraw(self) -> None:
        self._rows = None
        self.refresh()

    # --- keys and mouse

    def action_beside(self, way: str) -> None:
        """Select the node beside; pan when there is none selected."""
        layout = self._layout
        if layout is None:
            return
        if self._selected is None or self._selected not in layout.boxes:
            node = next(iter(layout.boxes), None)
        else:
            side: Any = way
            node = layout.beside(self._selected, side)
        if node is not None:
            self._choose(node)

    def action_pan(self, dx: int, dy: int) -> None:
        """Move the picture."""
        self._x, self._y = self._x + dx, self._y + dy
        self._clamp()
        self._redraw()

    def action_zoom(self, by: int) -> None:
        """Draw larger or smaller; 0 fits."""
        if by == 0 or self._layout is None:
            self._zoom = None
        else:
            now = _ZOOMS.index(self._layout.zoom) if self._layout.zoom in _ZOOMS else 1
            self._zoom = _ZOOMS[max(0, min(now + by, len(_ZOOMS) - 1))]
        self._arrange()

    def action_open(self) -> None:
        """Look at the selected node's data."""
        self.post_message(self.Opened())

    def _choose(self, node: str) -> None:
        self.select(node)
        self.post_message(self.Selected(node))

    def on_click(self, event: events.Click) -> None:
        """Select the node under the mouse; a second click opens it."""
        offset = event.get_content_offset(self)
        if self._layout is None or offset is None:
            return
        node = self._layout.node_at(offset.x + self._x, offset.y + self._y)
        if node is not None:
            self._choose(node)
            if event.chain == 2:
                self.action_open()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to drag the picture."""
        self._dragged = (event.screen_x, event.screen_y)
        self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the picture."""
        if self._dragged is not None:
            dx, dy = self._dragged[0] - event.screen_x, self._dragged[1] - event.screen_y
            if dx or dy:
                self._dragged = (event.screen_x, event.screen_y)
                self.action_pan(dx, dy)

    def on_mouse_up(self) -> None:
        """Let the picture go."""
        self._dragged = None
        self.release_mouse()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Pan down, or to the right with shift."""
        event.stop()
        self.action_pan(6 if event.shift else 0, 0 if event.shift else 2)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Pan up, or to the left with shift."""
        event.stop()
        self.action_pan(-6 if event.shift else 0, 0 if event.shift else -2)

    # --- drawing

    def on_resize(self) -> None:
        """Another size may fit another zoom."""
        self._arrange()

    def render_line(self, y: int) -> Strip:
        """One line of the picture."""
        return on_background(self, self._line_at(y))

    def _line_at(self, y: int) -> Strip:
        width = self.size.width
        if self._layout is None:
            return Strip([Segment(self._why if y == 0 else "", style("hint"))]).adjust_cell_length(width)
        if self._rows is None:
            self._rows = paint(
                self._layout, self._states, crop=self._crop(), selected=self._selected, charset=self._charset
            )
        if y >= len(self._rows):
            return Strip.blank(width)
        return Strip(segments(self._rows[y]), width)


def read_plan(definition: Mapping[str, Any]) -> Plan:
    """Plan the picture of a definition; takes a while for a thousand nodes."""
    return plan_graph(Graph.read(definition))


def _within(begin: int, picture: int, room: int) -> int:
    if picture <= room:
        return -((room - picture) // 2)
    return max(0, min(begin, picture - room))
