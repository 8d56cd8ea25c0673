"""The window on the list of executions: order, bounds, filters, news."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tui.filters import Filter
from tui.page import MOST, Page

_DAY = datetime(2026, 11, 22, tzinfo=UTC)


def row(number: int, status: str = "completed", workflow: str = "w") -> dict:
    created = (_DAY + timedelta(milliseconds=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"id": f"{number:08}", "status": status, "workflow_id": workflow, "created_at": created}


def page_of(count: int, **filters) -> Page:
    page = Page(Filter(**filters))
    page.replace([row(number) for number in reversed(range(count))], None)
    return page


@given(st.permutations(range(20)))
def test_the_newest_is_first_in_whatever_order_news_comes(numbers):
    page = Page()
    page.replace([], None)
    for number in numbers:
        assert page.put(row(number))
    assert page.ids == [f"{number:08}" for number in reversed(range(20))]


def test_what_is_known_already_is_no_news():
    page = page_of(3)
    assert not page.put(row(1))
    assert page.put(row(1, "failed"))
    assert page.rows["00000001"]["status"] == "failed"


def test_a_row_that_no_longer_fits_the_filter_leaves():
    page = page_of(3, status=("completed", "running"))
    assert not page.put(row(7, "failed"))
    assert page.put(row(1, "failed"))
    assert page.ids == ["00000002", "00000000"]


def test_it_holds_so_many_and_drops_the_oldest():
    page = page_of(0)
    for number in range(MOST + 50):
        page.put(row(number))
    assert len(page.rows) == len(page.ids) == MOST
    assert page.ids[-1] == f"{50:08}"
    assert page.more
    assert page.older()["until"] == row(51)["created_at"].replace("Z", "+00:00").replace(".051", ".051000")


def test_reading_on_leaves_the_head_and_counts_what_comes_in_there():
    page = Page()
    page.replace([row(number) for number in range(5_000, 5_000 + MOST)], "more")
    assert page.older() == {"cursor": "more"}
    page.append([row(number) for number in range(4_800, 5_000)], "further")
    assert len(page.rows) == MOST
    assert not page.at_head
    assert page.ids[-1] == "00004800"
    assert page.put(row(9_000))
    assert (page.unseen, "00009000" in page.rows) == (201, False)
    page.replace([row(9_000)], None)
    assert (page.at_head, page.unseen) == (True, 0)


def test_each_newer_execution_counts_once_and_one_within_the_window_is_shown():
    page = Page(Filter(status=("running",)))
    page.replace([row(number, "running") for number in range(5_000, 5_000 + MOST)], "more")
    page.append([row(4_000, "running")], None)
    assert page.unseen == 1, "the newest made room"
    assert page.put(row(9_000, "running"))
    assert not page.put(row(9_000, "running"))
    assert page.unseen == 2
    assert page.put(row(4_500, "running")), "resumed: it fits the filter now, and belongs between others"
    assert ("00004500" in page.rows, page.unseen) == (True, 2)
    assert page.put(row(9_000, "completed"))
    assert page.unseen == 1, "it fits no more"


def test_news_that_comes_while_an_answer_is_on_its_way_is_not_undone_by_it():
    page = Page()
    with page.reading():
        page.put(row(2, "running"))
        page.put(row(1, "completed"))
        page.replace([row(1, "running")], None)
    assert [(one, page.rows[one]["status"]) for one in page.ids] == [("00000002", "running"), ("00000001", "completed")]
    page.replace([row(1, "running")], None)
    assert page.ids == ["00000001"], "what came earlier is in the answer"


def test_a_page_takes_neither_what_another_tenant_has_nor_a_mere_state():
    page = Page(tenant="acme")
    page.replace([row(1, "running")], None)
    assert not page.put({**row(2), "tenant_id": "other"})
    assert not page.put({"id": "00000003", "tenant_id": "acme", "status": "cancelled"})
    assert page.put({"id": "00000001", "tenant_id": "acme", "status": "cancelled"})
    assert [page.rows[one]["status"] for one in page.ids] == ["cancelled"]


def test_older_than_the_window_is_not_let_in_while_there_are_older_ones_to_read():
    page = Page()
    page.replace([row(10), row(9)], "more")
    assert not page.put(row(3))
    page.append([row(8)], None)
    assert page.put(row(3))


def test_what_was_deleted_leaves_and_an_answer_on_its_way_does_not_bring_its_news_back():
    page = page_of(3)
    with page.reading():
        page.put(row(1, "failed"))
        assert page.remove("00000001")
        page.append([], None)
    assert page.ids == ["00000002", "00000000"]
    assert not page.remove("00000001")
    page.at_head = False
    page.put(row(7))
    assert (page.remove("00000007"), page.unseen) == (True, 0)


def test_what_grows_too_old_for_the_filter_leaves_and_does_not_come_back():
    now = _DAY + timedelta(milliseconds=10)
    page = Page(Filter(since=timedelta(milliseconds=10)), now=lambda: now)
    page.replace([row(number) for number in (9, 5, 2)], None)
    assert not page.age()
    now = _DAY + timedelta(milliseconds=13)
    assert page.age()
    assert page.ids == ["00000009", "00000005"]
    assert not page.put(row(2, "failed"))
