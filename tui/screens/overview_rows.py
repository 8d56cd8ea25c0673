"""The rows of the overview: a tenant, a workflow, an execution, from what the store holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.text import Text

from tui.look import doing, elapsed, plain, progress_bar, short_id, state, style, time_of_day
from tui.render.charset import Charset
from tui.render.sparkline import sparkline
from tui.render.states import state_role
from tui.render.text import count
from tui.store import Store
from tui.theme import FAINT, MUTED, STATE_COLOURS, TEXT

_SPARK = "#5b7f8f"


def tenant_row(store: Store, charset: Charset, key: str) -> Sequence[Text]:
    """Its name, marked when it is looked at, and how many of its executions live, or that it is off.

    Raises `KeyError`.
    """
    tenant = store.tenants[key]
    figures = _figures(store, "service", "tenants", "tenant_id", key)
    if not figures and key == store.tenant:
        figures = store.stats.get("tenant") or {}  # A tenant's key sees its own alone.
    # What the tenant's own document counts is as old as the last reading of the list, until there are figures.
    live = _live_of(figures) if figures or _has_all(store) else tenant.get("counts", {}).get("executions_live", 0)
    active = tenant.get("status") == "active"
    name = Text(charset.arrow if key == store.tenant else " ", style("state.running"))
    name.append_text(plain(key, charset, TEXT if active else FAINT))
    told = (count(live) if live else charset.dot) if active else "off"
    return name, plain(told, charset, MUTED if active else FAINT)


def workflow_row(store: Store, charset: Charset, key: str) -> Sequence[Text]:
    """Its id, and what lives of it, else what started in the last hour, or that nothing can start it.

    Raises `KeyError`.
    """
    workflow = store.workflows[key]
    figures = _figures(store, "tenant", "workflows", "workflow_id", key)
    line, live = figures.get("timeline", {}).get("started") or [], _live_of(figures)
    published = workflow.get("status") == "published"
    if live:
        told = plain(f"{count(live)}{charset.glyphs['running']}", charset, STATE_COLOURS["running"])
    elif any(line):
        told = plain(sparkline(line[-8:], 8, charset), charset, _SPARK)
    else:
        told = plain("" if published else str(workflow.get("status", "")), charset, FAINT)
    return plain(key, charset, TEXT if published else FAINT), told


def execution_row(store: Store, charset: Charset, key: str, now: datetime, *, marked: bool) -> Sequence[Text]:
    """State, id, workflow, how far it has come, its start, how long it took. Raises `KeyError`."""
    row = store.page.rows[key]
    status, pending = str(row["status"]), store.pending.get(key)
    took = elapsed(row.get("started_at") or row.get("created_at"), row.get("finished_at"), now)
    paused = status == "paused"
    told = Text("paused" if paused else took, style(state_role(status) if paused else "name.dim"))
    return (
        Text("+" if marked else " ", style("state.running")).append_text(state(status, charset)),
        plain(short_id(key), charset, MUTED),
        plain(row["workflow_id"], charset, TEXT),
        progress_bar(row, 5, charset),
        plain(time_of_day(row["created_at"], now), charset, MUTED),
        doing(pending.doing, charset) if pending else told,
    )


def _figures(store: Store, whose: str, many: str, name: str, key: str) -> dict[str, Any]:
    found = store.stats.get(whose) or {}
    return next((one for one in found.get(many) or () if one.get(name) == key), {})


def _has_all(store: Store) -> bool:
    """Whether there are figures of every tenant: the others have nothing to count."""
    return bool((store.stats.get("service") or {}).get("tenants"))


def _live_of(figures: Mapping[str, Any]) -> int:
    return sum((figures.get("executions") or {}).values())
