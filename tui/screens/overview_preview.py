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
_FOLLOWED_SECONDS = 3.0
"""From one read to the next while the cursor follows the newest row, of which there may be hundreds a second."""


class PreviewReader:
    """Reads once the cursor rests on a row, and again when there is news of it."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._timer: Timer | None = None
        self._hurries = False
        """Whether the timer is that of a cursor that has moved."""
        self._shown: str | None = None
        self._read_at = -_FOLLOWED_SECONDS

    def soon(self, changed: Collection[str] | None = None) -> None:
        """Read the execution under the cursor in a moment. `changed`: only when it is among these, and later."""
        key, moved = self._key, changed is None
        if key is None:
            self._page.query_one(Preview).show(None, [])
            self._pane.name_it("Execution")
        elif self._pane.display and (changed is None or key in changed):
            if self._timer is not None and moved and not self._hurries:
                self._timer.stop()
                self._timer = None
            if self._timer is None:
                since = self._page.dashboard.clock() - self._read_at
                self._hurries = moved
                self._timer = self._page.set_timer(
                    wait_of(moved=moved, same=key == self._shown, since=since), self._now
                )

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
            self._shown, self._read_at = key, self._page.dashboard.clock()
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


def wait_of(*, moved: bool, same: bool, since: float) -> float:
    """Seconds until the next read: the cursor has moved, or there is news; of the same row, or of one that came in.

    `since` is how many seconds ago the last read was.
    """
    if moved:
        return _MOVED_SECONDS
    return _NEWS_SECONDS if same else max(_NEWS_SECONDS, _FOLLOWED_SECONDS - since)
