"""The background under lines that are drawn by hand."""

from __future__ import annotations

from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget


def on_background(widget: Widget, strip: Strip) -> Strip:
    """The strip on the widget's own background, where it has none of its own."""
    return strip.apply_style(Style(bgcolor=widget.background_colors[1].rich_color))
