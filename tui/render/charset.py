"""The characters that pictures are drawn with: Unicode, and ASCII for terminals that have nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LEFT, RIGHT, UP, DOWN = 1, 2, 4, 8
_ARMS = {
    LEFT: "─", RIGHT: "─", LEFT | RIGHT: "─", UP: "│", DOWN: "│", UP | DOWN: "│",
    RIGHT | DOWN: "╭", LEFT | DOWN: "╮", RIGHT | UP: "╰", LEFT | UP: "╯",
    LEFT | RIGHT | DOWN: "┬", LEFT | RIGHT | UP: "┴", UP | DOWN | RIGHT: "├", UP | DOWN | LEFT: "┤",
    LEFT | RIGHT | UP | DOWN: "┼",
}  # fmt: skip
_ASCII_ARMS = {arms: "-" if char == "─" else "|" if char == "│" else "+" for arms, char in _ARMS.items()}
_GLYPHS = {
    "queued": "◷", "waiting": "◷", "running": "●", "completed": "✔", "pending": "○", "skipped": "○", "failed": "✖",
    "timed_out": "✖", "interrupted": "✖", "cancelled": "⊘", "cancelling": "⊘", "paused": "ǁ", "retrying": "↻",
}  # fmt: skip
_ASCII_GLYPHS = {
    "queued": "~", "waiting": "~", "running": "*", "completed": "+", "pending": ".", "skipped": "-", "failed": "x",
    "timed_out": "x", "interrupted": "x", "cancelled": "/", "cancelling": "/", "paused": "=", "retrying": "@",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Charset:
    """One way of drawing; every character takes one cell."""

    name: str
    glyphs: Mapping[str, str]
    unknown: str
    arms: Mapping[int, str]
    """Lines by the directions that they leave a cell in."""
    dashes: Mapping[int, str]
    """Straight pieces of error edges."""
    frame: str
    """Of a loop: corners from the top left clockwise, then across, then down, then the way back."""
    box: str
    """Of a node: corners from the top left clockwise, then across, then down, then where edges leave."""
    marked: str
    """Of the selected node."""
    arrow: str
    loop: str
    back: str
    """Refers to a node that is drawn elsewhere."""
    ellipsis: str
    blocks: str
    """Bars from low to high."""
    full: str
    failed: str
    half: str
    empty: str
    ahead: str
    """The end of a bar that still grows."""
    folded: str
    unfolded: str
    dot: str

    def line(self, arms: int, *, dashed: bool = False) -> str:
        """The character that leaves a cell in these directions."""
        return (self.dashes.get(arms) if dashed else None) or self.arms[arms]


UNICODE = Charset(
    name="unicode",
    glyphs=_GLYPHS,
    unknown="?",
    arms=_ARMS,
    dashes={LEFT | RIGHT: "╌", UP | DOWN: "╎"},
    frame="╭╮╯╰─│◂",
    box="╭╮╯╰─│├",
    marked="┏┓┛┗━┃┣",
    arrow="▸",
    loop="⟳",
    back="↑",
    ellipsis="…",
    blocks="▁▂▃▄▅▆▇█",
    full="█",
    failed="✖",
    half="▒",
    empty="░",
    ahead="▷",
    folded="▸",
    unfolded="▾",
    dot="·",
)
ASCII = Charset(
    name="ascii",
    glyphs=_ASCII_GLYPHS,
    unknown="?",
    arms=_ASCII_ARMS,
    dashes={LEFT | RIGHT: "~", UP | DOWN: ":"},
    frame="....=:<",
    box="++++-|+",
    marked="####=##",
    arrow=">",
    loop="@",
    back="^",
    ellipsis="~",
    blocks="_.:-=+*#",
    full="#",
    failed="x",
    half="=",
    empty=".",
    ahead=">",
    folded=">",
    unfolded="v",
    dot="-",
)
