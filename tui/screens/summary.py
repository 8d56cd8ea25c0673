"""One execution in one line: its state, how far it has come, why it ended."""

from __future__ import annotations

from datetime import datetime

from rich.text import Text

from tui.detail import Detail
from tui.look import doing, elapsed, joined, plain, progress_bar, short_id, state, time_of_day
from tui.render.charset import Charset
from tui.store import Pending
from tui.theme import MUTED, STATE_COLOURS, TEXT


def summary_line(detail: Detail, pending: Pending | None, charset: Charset, now: datetime) -> Text:
    """The line; a word on it until the execution was read, and when it is gone."""
    execution = detail.execution
    if execution is None or detail.missing:
        failed = STATE_COLOURS["failed"]
        return plain(detail.missing or "reading", charset, failed if detail.missing else MUTED)
    took = elapsed(execution.get("started_at"), execution.get("finished_at"), now)
    rerun, reason, error = execution.get("rerun_of"), execution.get("reason"), execution.get("error")
    parts = [
        doing(pending.doing, charset) if pending else state(str(execution["status"]), charset, words=True),
        plain(f"{execution['workflow_id']} v{execution.get('version', '?')}", charset, TEXT, bold=True),
        progress_bar(execution, 8, charset),
        plain(f"{time_of_day(execution.get('created_at'), now)}  {took}", charset, MUTED),
        plain(execution.get("trigger_type") or "", charset, MUTED),
        plain(f"rerun of {short_id(rerun)}" if rerun else "", charset, MUTED),
        plain(f'"{reason}"' if reason else "", charset, MUTED),
    ]
    if isinstance(error, dict):
        where = f"{error['node_id']}: " if error.get("node_id") else ""
        parts.append(plain(f"{where}{error.get('message')}", charset, STATE_COLOURS["failed"]))
    return joined(parts, "   ")
