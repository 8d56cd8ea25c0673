"""A JSON value as lines: folds, paths, search, and large values that cost only what is seen of them."""

import json
import time

from hypothesis import given
from hypothesis import strategies as st

from tui.render.canvas import row_text
from tui.render.charset import ASCII
from tui.render.json_view import JsonView
from tui.render.text import cells

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


def lines(view, width=400):
    return [row_text(row).rstrip() for row in view.lines(0, view.height, width)]


@given(VALUES)
def test_all_lines_together_are_the_value(value):
    view = JsonView(value)
    view.open_all()
    assert len(lines(view)) == view.height
    text = json.dumps(value, ensure_ascii=True)
    shown = JsonView(value, ASCII)
    shown.open_all()
    joined = "".join(row_text(row).strip(" >v") for row in shown.lines(0, shown.height, 4000))
    if not any(char in text for char in ("\\", " ", "v", ">", "\x7f")):
        assert joined == json.dumps(value, separators=(",", ": "))


@given(VALUES, st.lists(st.integers(0, 60), max_size=8))
def test_any_folding_keeps_lines_and_height_together(value, toggles):
    view = JsonView(value)
    for line in toggles:
        before = view.height
        opened = view.toggle(line)
        assert opened == (view.height != before)
        rows = view.lines(0, 10_000, 40)
        assert len(rows) == view.height
        assert all(cells(row_text(row)) == 40 for row in rows)
        assert rows == [view.lines(number, 1, 40)[0] for number in range(view.height)]


def test_toggling_a_closing_bracket_closes_its_container():
    view = JsonView({"a": [1, 2], "b": 3})
    assert lines(view) == ["▾ {", '  ▾ "a": [', "      1,", "      2", "    ],", '    "b": 3', "  }"]
    assert view.toggle(4)
    assert lines(view) == ["▾ {", '  ▸ "a": [2],', '    "b": 3', "  }"]
    assert not view.toggle(2)
    assert not view.toggle(99)
    assert view.toggle(3)
    assert lines(view) == ["▸ {2}"]
    assert view.toggle(0)
    assert lines(view) == ["▾ {", '  ▸ "a": [2],', '    "b": 3', "  }"]


def test_a_line_knows_its_path_and_its_value():
    view = JsonView({"history": [1, {"text": "x", "odd key": {"1a": True}}], "": 0})
    view.open_all()
    paths = [view.path(line) for line in range(view.height)]
    assert paths[:6] == ["", "history", "history[0]", "history[1]", "history[1].text", 'history[1]["odd key"]']
    assert 'history[1]["odd key"]["1a"]' in paths
    assert paths[-2] == '[""]'
    assert view.value(3) == {"text": "x", "odd key": {"1a": True}}


def test_search_opens_what_hides_the_line_and_goes_on_from_there():
    view = JsonView({"a": {"b": [{"Name": "first"}, {"name": "second"}]}, "name": "third"}, open_depth=1)
    first = view.find("NAME")
    assert lines(view)[first].strip() == '"Name": "first"'
    second = view.find("name", first)
    assert lines(view)[second].strip() == '"name": "second"'
    third = view.find("name", second)
    assert view.path(third) == "name"
    assert view.find("name", third) is None
    assert view.find("name", third, backwards=True) == second
    assert view.find("name", first, backwards=True) is None
    assert view.find("nowhere") is None
    found = [run.text for run in view.lines(second, 1, 60, "eco")[0] if run.role == "json.found"]
    assert found == ["eco"]


@given(VALUES, st.text(max_size=2))
def test_search_goes_through_every_match_once(value, text):
    view = JsonView(value)
    seen = []
    line = view.find(text)
    while line is not None:
        seen.append(view.path(line))
        line = view.find(text, line)
    assert len(seen) == len(set(seen))
    again = JsonView(value)
    assert (again.find(text) is None) == (not seen)


def test_megabytes_are_shown_at_once():
    value = {
        "rows": [{"id": n, "name": f"row {n}", "tags": ["a", "b"]} for n in range(60_000)],
        "text": "x" * 2_000_000,
    }
    began = time.process_time()
    view = JsonView(value)
    view.lines(0, 50, 120)
    view.toggle(1)
    assert view.height > 60_000
    view.lines(view.height - 50, 50, 120)
    view.toggle(view.height // 2)
    view.lines(view.height // 2, 50, 120)
    assert time.process_time() - began < 0.2


def test_deep_nesting_breaks_nothing():
    value = deepest = []
    for _ in range(2000):
        deepest.append([])
        deepest = deepest[0]
    deepest.append("here")
    view = JsonView(value)
    line = view.find("here")
    assert line == 2001
    assert len(view.lines(line - 5, 10, 80)) == 10
