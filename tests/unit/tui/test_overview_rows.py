"""What the rows of the overview say."""

from __future__ import annotations

import pytest

from tui.render.charset import UNICODE
from tui.screens.overview_rows import tenant_row, workflow_row
from tui.store import Store


def _store(**stats):
    store = Store()
    store.set_tenants([{"id": "acme", "status": "active"}, {"id": "globex", "status": "disabled"}])
    store.choose_tenant("acme")
    store.set_workflows([{"id": "w", "status": "published"}, {"id": "d", "status": "draft"}])
    store.set_stats(stats)
    return store


def _said(cells):
    return [cell.plain for cell in cells]


@pytest.mark.parametrize(("tenant", "said"), [("acme", ["▸acme", "·"]), ("globex", [" globex", "off"])])
def test_a_disabled_tenant_says_so_without_colours(tenant, said):
    assert _said(tenant_row(_store(), UNICODE, tenant)) == said


IDLE, BUSY = {"running": 0, "waiting": 0}, {"running": 1, "waiting": 1}


@pytest.mark.parametrize(
    ("stats", "said"),
    [
        ({}, "5"),
        ({"service": {"tenants": [{"tenant_id": "acme", "executions": BUSY}]}}, "2"),
        ({"service": {"tenants": [{"tenant_id": "acme", "executions": IDLE}]}}, "·"),
        ({"service": {"tenants": [{"tenant_id": "other", "executions": BUSY}]}}, "·"),
        ({"service": {}, "tenant": {"executions": IDLE}}, "·"),
    ],
)
def test_what_lives_of_a_tenant_is_what_the_figures_say_once_there_are_any(stats, said):
    store = _store(**stats)
    store.set_tenants([{"id": "acme", "status": "active", "counts": {"executions_live": 5}}])
    assert _said(tenant_row(store, UNICODE, "acme")) == ["▸acme", said]


@pytest.mark.parametrize(("workflow", "said"), [("w", ["w", ""]), ("d", ["d", "draft"])])
def test_a_workflow_that_nothing_starts_says_why(workflow, said):
    assert _said(workflow_row(_store(), UNICODE, workflow)) == said


def test_what_lives_of_a_draft_is_told_before_its_state():
    figures = {"workflow_id": "d", "executions": {"waiting": 2}}
    assert _said(workflow_row(_store(tenant={"workflows": [figures]}), UNICODE, "d")) == ["d", "2●"]
