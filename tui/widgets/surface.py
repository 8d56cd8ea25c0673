"""What is under and around lines that are drawn by hand."""

from __future__ import annotations

from rich.style import Style
from textual.containers import Container
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class Ground(Container):
    """What others cover wholly: it is drawn beneath them with each frame, so that drawing it must not cost anything."""

    BLANK = True


def on_background(widget: Widget, strip: Strip) -> Strip:
    """The strip on the widget's own background, where it has none of its own."""
    return strip.apply_style(Style(bgcolor=widget.background_colors[1].rich_color))


def bare_lines(widget: Widget, crop: Region, ground: Style) -> list[Strip]:
    """The lines of a widget that has nothing around them or over them: no frame, no padding, no opacity.

    What the framework does for those would cost as much as the lines themselves.
    """
    whole, lines = widget.region.width, [widget.render_line(y) for y in crop.line_range]
    background = widget.background_colors[1]
    for line_filter in widget.get_line_filters():
        lines = [line.apply_filter(line_filter, background) for line in lines]
    lines = [line.adjust_cell_length(whole, ground) for line in lines]
    return lines if crop.column_span == (0, whole) else [line.crop(*crop.column_span) for line in lines]
