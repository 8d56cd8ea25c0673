"""How far an execution is, as a small bar: `███▒░ 3/5`, or `██✖   fetch`."""

from __future__ import annotations

from collections.abc import Mapping

from tui.render.canvas import SPACE, Row, Run
from tui.render.charset import UNICODE, Charset
from tui.render.states import state_role
from tui.render.text import count, safe

DONE = ("completed", "skipped")
AT_WORK = ("running", "retrying", "waiting", "queued")
BROKEN = ("failed", "timed_out", "cancelled")


def progress(
    amounts: Mapping[str, object],
    width: int = 5,
    charset: Charset = UNICODE,
    status: str | None = None,
    failed_node: str | None = None,
) -> Row:
    """A bar of `width` cells and what it counts.

    `amounts` is the `progress` of an execution's document: node runs by state, and `total`. `status` is the
    execution's; one that has failed names `failed_node` in place of the count when it is known.
    """
    total = max(_amount(amounts, "total"), 1)
    done = sum(_amount(amounts, name) for name in DONE)
    busy = sum(_amount(amounts, name) for name in AT_WORK)
    broken = sum(_amount(amounts, name) for name in BROKEN)
    failed = status in BROKEN if status is not None else broken > 0
    if not failed:
        # The workflow has handled what failed, and went on.
        done += broken
    cut = 1 if failed and width else 0
    whole = width if done >= total else min(done * width // total, width - cut)
    half = min(max(1, busy * width // total), width - cut - whole) if busy and not failed else 0
    runs = [
        Run(charset.full * whole, state_role("completed")),
        Run(charset.half * half, state_role("paused" if status == "paused" else "running")),
        Run(_mark(status, charset) * min(cut, width - whole), state_role(status if failed and status else "failed")),
    ]
    rest = width - sum(len(run.text) for run in runs)
    # What has ended will not go on: nothing is left to be done.
    runs.append(Run((" " if failed else charset.empty) * rest, SPACE if failed else "bar.rest"))
    named = failed and failed_node
    text = safe(failed_node or "", charset) if named else f"{count(done)}/{count(_amount(amounts, 'total'))}"
    runs.append(Run(f" {text}", state_role("failed") if named else "detail"))
    return tuple(run for run in runs if run.text)


def _mark(status: str | None, charset: Charset) -> str:
    return charset.glyphs["cancelled"] if status == "cancelled" else charset.failed


def _amount(amounts: Mapping[str, object], name: str) -> int:
    value = amounts.get(name)
    return value if isinstance(value, int) else 0
