"""The colours: calm, dark, one accent."""

from __future__ import annotations

from textual.theme import Theme

ACCENT = "#7dc4e4"
STATE_COLOURS = {
    "running": "#7dc4e4",
    "retrying": "#e0b567",
    "queued": "#8f9bb3",
    "pending": "#5d6880",
    "waiting": "#e0b567",
    "paused": "#b79bea",
    "cancelling": "#e39a6f",
    "completed": "#86c08b",
    "failed": "#ee7a7f",
    "timed_out": "#ee7a7f",
    "cancelled": "#a58a80",
    "skipped": "#6b7690",
}
TEXT = "#c9d1e0"
MUTED = "#7d889f"
FAINT = "#4c566b"

DARK = Theme(
    name="flowrun",
    dark=True,
    primary=ACCENT,
    secondary="#b79bea",
    accent=ACCENT,
    foreground=TEXT,
    background="#11141b",
    surface="#161a23",
    panel="#1d2230",
    success="#86c08b",
    warning="#e0b567",
    error="#ee7a7f",
    variables={
        "border": "#2c3446",
        "border-blurred": "#2c3446",
        "text-muted": MUTED,
        "faint": FAINT,
        "cursor-line": "#243248",
        "cursor-line-blurred": "#1d2431",
        "marked-line": "#2b2a40",
        "scrollbar": "#2c3446",
        "scrollbar-hover": "#3b465d",
        "scrollbar-active": ACCENT,
        "scrollbar-background": "#161a23",
        "scrollbar-corner-color": "#161a23",
        "scrollbar-background-hover": "#161a23",
        "scrollbar-background-active": "#161a23",
        "input-cursor-background": ACCENT,
        "input-selection-background": "#7dc4e4 30%",
    },
)
