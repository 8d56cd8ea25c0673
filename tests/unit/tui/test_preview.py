"""When the overview reads the execution under the cursor."""

from __future__ import annotations

from tui.screens.overview_preview import wait_of


def test_a_cursor_that_moves_is_followed_at_once():
    assert wait_of(moved=True, same=False, since=0) < 0.2
    assert wait_of(moved=True, same=True, since=0) < 0.2


def test_news_of_the_row_that_is_shown_are_read_within_a_second():
    assert wait_of(moved=False, same=True, since=0) == 1


def test_a_flood_of_newer_rows_is_read_every_few_seconds_and_a_single_one_soon():
    assert wait_of(moved=False, same=False, since=60) == 1
    assert wait_of(moved=False, same=False, since=0.5) == 2.5
