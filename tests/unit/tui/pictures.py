"""The pictures that are checked in: how each is made, and how they are written anew."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from tui.render.canvas import Row, row_text

PICTURES = Path(__file__).parent / "pictures"
WRITE = os.environ.get("PICTURES") == "write"
"""Set to look at changes as a diff: `PICTURES=write pytest tests/unit/tui/`."""


def text_of(rows: Iterable[Row]) -> str:
    return "".join(f"{row_text(row).rstrip()}\n" for row in rows)


def check(name: str, sections: dict[str, str]) -> None:
    """Compare with the checked-in file, or write it."""
    text = "\n".join(f"-- {title}\n{body}" for title, body in sections.items())
    path = PICTURES / f"{name}.txt"
    if WRITE:
        PICTURES.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"there is no {path.name}; write it with PICTURES=write, and look at it"
    assert text == path.read_text(encoding="utf-8"), f"{path.name} differs; when the new one is better: PICTURES=write"
