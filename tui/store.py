"""What the screens show: pure state of bounded size, with a note of what has changed since the last look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tui.detail import Detail
from tui.filters import Filter
from tui.page import Page

Document = dict[str, Any]
ALL = "*"
"""Among changed keys: everything of that part."""
WINDOW = "window"
"""The part that changes when a list was asked for: one waits for it, so it is shown at once."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A command that was sent: shown until the service says what became of it."""

    doing: str
    status: str


class Store:
    """Holds what was read; `dirty` names the parts that changed, each with the keys of what did."""

    def __init__(self) -> None:
        self.tenant: str | None = None
        self.tenants: dict[str, Document] = {}
        self.workflows: dict[str, Document] = {}
        self.page = Page()
        self.windows: list[Page] = []
        """Lists of executions that screens show beside that one."""
        self.detail: Detail | None = None
        self.stats: Document = {}
        self.schedules: dict[str, Document] = {}
        self.pending: dict[str, Pending] = {}
        self.operations: frozenset[str] = frozenset()
        self.dirty: dict[str, set[str]] = {}

    def touch(self, part: str, *keys: str) -> None:
        """Note that something changed."""
        self.dirty.setdefault(part, set()).update(keys or (ALL,))

    def take_dirty(self) -> dict[str, set[str]]:
        """What changed since the last call."""
        taken, self.dirty = self.dirty, {}
        return taken

    # --- what was read

    def set_tenants(self, tenants: Iterable[Document]) -> None:
        """Take the tenants."""
        found = {str(one["id"]): one for one in tenants}
        if found != self.tenants:
            self.tenants = found
            self.touch("tenants")

    def choose_tenant(self, tenant: str) -> None:
        """Look at another tenant: what was shown of the one before leaves."""
        self.tenant = tenant
        self.workflows, self.schedules = {}, {}
        self.page = Page(Filter(), tenant)
        self.touch("tenants")
        self.touch("workflows")
        self.touch("executions")
        self.touch("schedules")

    def filter_by(self, wanted: Filter) -> None:
        """Show other executions: the window begins anew."""
        self.page = Page(wanted, self.tenant)
        self.touch("executions")
        self.touch(WINDOW)

    def set_workflows(self, workflows: Iterable[Document]) -> None:
        """Take the tenant's workflows."""
        found = {str(one["id"]): one for one in workflows}
        if found != self.workflows:
            self.workflows = found
            self.touch("workflows")

    def set_schedules(self, schedules: Iterable[Document]) -> None:
        """Take the tenant's schedules."""
        found = {str(one["id"]): one for one in schedules}
        if found != self.schedules:
            self.schedules = found
            self.touch("schedules")

    def set_stats(self, stats: Document) -> None:
        """Take the service's figures."""
        for page in (self.page, *self.windows):
            if page.age():
                self.touch("executions")
        if stats != self.stats:
            self.stats = stats
            self.touch("stats")

    def replace_page(self, page: Page, items: Iterable[Document], cursor: str | None) -> None:
        """Take the newest executions of a list."""
        page.replace(items, cursor)
        self.touch("executions")
        self.touch(WINDOW)

    def append_page(self, page: Page, items: Iterable[Document], cursor: str | None) -> None:
        """Take older executions of a list."""
        page.append(items, cursor)
        self.touch("executions")
        self.touch(WINDOW)

    def put_execution(self, summary: Mapping[str, Any]) -> None:
        """Take the news of one execution, whoever shows it."""
        execution = str(summary["id"])
        self._settle(execution, summary)
        for page in (self.page, *self.windows):
            if page.put(summary):
                self.touch("executions", execution)
        if self.detail is not None and self.detail.id == execution:
            self.detail.put_execution(summary)
            self.touch("detail")

    def remove_execution(self, execution: str) -> None:
        """Take note that an execution was deleted, whoever shows it."""
        for page in (self.page, *self.windows):
            if page.remove(execution):
                self.touch("executions")
        if self.detail is not None and self.detail.id == execution:
            self.detail.missing = "this execution was deleted"
            self.touch("detail")

    def _settle(self, execution: str, summary: Mapping[str, Any]) -> None:
        pending = self.pending.get(execution)
        if pending is not None and summary.get("status", pending.status) != pending.status:
            self.settled(execution)

    # --- commands

    def sent(self, execution: str, doing: str, status: str) -> None:
        """A command is on its way."""
        self.pending[execution] = Pending(doing, status)
        self.touch("commands")
        self.touch("executions", execution)
        self.touch("detail")

    def settled(self, execution: str) -> None:
        """The service has said what became of the command."""
        if self.pending.pop(execution, None) is not None:
            self.touch("commands")
            self.touch("executions", execution)
            self.touch("detail")

    # --- one execution

    def look_at(self, detail: Detail | None) -> None:
        """Look at one execution, or at none."""
        self.detail = detail
        self.touch("detail")

    def select(self, node: str, iteration: str = "") -> bool:
        """Select a node run of the execution that is looked at; gives whether that is new."""
        detail = self.detail
        if detail is None or detail.selected == (node, iteration):
            return False
        detail.selected, detail.payload, detail.logs = (node, iteration), None, []
        self.touch("selection")
        return True
