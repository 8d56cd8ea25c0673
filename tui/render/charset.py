"""The characters that pictures are drawn with: Unicode, and ASCII for terminals that have nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LEFT, RIGHT, UP, DOWN = 1, 2, 4, 8
ALL = LEFT | RIGHT | UP | DOWN
_LINES = " ─────━━━│┘┙└┴┵┕┶┷┃┚┛┖┸┹┗┺┻│┐┑┌┬┭┍┮┯│┤┥├┼┽┝┾┿╿┦┩┞╀╃┡╄╇┃┒┓┎┰┱┏┲┳╽┧┪┟╁╅┢╆╈┃┨┫┠╂╉┣╊╋"
"""By arms in base three, left first, then right, up, down: there is none, a light one, or a heavy one."""
_ROUNDED = str.maketrans("┌┐└┘", "╭╮╰╯")


def heavy(arms: int) -> int:
    """The same arms, drawn heavily."""
    return arms | arms << 4


def _arms(number: int) -> int:
    """What a place in the table stands for."""
    weights = [(arm, number // 3**place % 3) for place, arm in enumerate((LEFT, RIGHT, UP, DOWN))]
    return sum(heavy(arm) if weight == 2 else arm * weight for arm, weight in weights)


def _in_ascii(arms: int) -> str:
    if not arms & (UP | DOWN):
        return "=" if arms >> 4 else "-"
    return "+" if arms & (LEFT | RIGHT) else "|"


_ARMS = {_arms(number): char for number, char in enumerate(_LINES.translate(_ROUNDED)) if number}
_ASCII_ARMS = {arms: _in_ascii(arms) for arms in _ARMS}
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
    """Lines by the directions that they leave a cell in, and by those in which they are heavy."""
    dashes: Mapping[int, str]
    """Straight pieces of error edges."""
    frame: str
    """Of a loop: corners from the top left clockwise, then across, then down, then the way back."""
    box: str
    """Of a node: corners from the top left clockwise, then across, then down, then where edges leave."""
    marked: str
    """Of the selected node."""
    arrow: str
    merges: str
    """Where a line comes into another one from above, and from below."""
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
    dashes={LEFT | RIGHT: "╌", UP | DOWN: "╎", heavy(LEFT | RIGHT): "╍", heavy(UP | DOWN): "╏"},
    frame="╭╮╯╰─│◂",
    box="╭╮╯╰─│├",
    marked="┏┓┛┗━┃┣",
    arrow="▸",
    merges="▾▴",
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
    dashes={LEFT | RIGHT: "~", UP | DOWN: ":", heavy(LEFT | RIGHT): "~", heavy(UP | DOWN): ":"},
    frame="....=:<",
    box="++++-|+",
    marked="####=##",
    arrow=">",
    merges="v^",
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
