"""When the overview reads the execution under the cursor for its preview."""

from __future__ import annotations

from collections.abc import Collection

from textual.timer import Timer

from tui.client import RefusedError, UnreachableError
from tui.look import short_id
from tui.screens.base import Page
from tui.widgets.pane import Pane
from tui.widgets.preview import Preview
from tui.widgets.rows import Rows

_MOVED_SECONDS = 0.15
"""How long after the cursor has moved the nodes of its row are read."""
_NEWS_SECONDS = 1.0
"""The same after the row itself has changed."""


class PreviewReader:
    """Reads once the cursor rests on a row, and again when there is news of it."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._timer: Timer | None = None

    def soon(self, changed: Collection[str] | None = None) -> None:
        """Read the execution under the cursor in a moment. `changed`: only when it is among these, and later."""
        key = self._key
        if key is None:
            self._page.query_one(Preview).show(None, [])
        elif self._timer is None and self._pane.display and (changed is None or key in changed):
            self._timer = self._page.set_timer(_MOVED_SECONDS if changed is None else _NEWS_SECONDS, self._now)

    @property
    def _key(self) -> str | None:
        return self._page.query_one("#execution-rows", Rows).cursor

    @property
    def _pane(self) -> Pane:
        return self._page.query_one("#preview", Pane)

    def _now(self) -> None:
        self._timer = None
        key = self._key
        if key is not None:
            self._page.run_worker(self._read(key), group="preview", exclusive=True, exit_on_error=False)

    async def _read(self, key: str) -> None:
        dashboard = self._page.dashboard
        row = dashboard.store.page.rows.get(key)
        if row is None:
            return
        try:
            execution = await dashboard.service.execution(row["tenant_id"], key)
            runs = await dashboard.service.node_runs(row["tenant_id"], key)
        except (RefusedError, UnreachableError):
            return  # The list says what is known; the connection's state is told in the header.
        if self._key == key:
            self._page.query_one(Preview).show(execution, runs)
            self._pane.name_it(f"{execution['workflow_id']} {short_id(key)}")
