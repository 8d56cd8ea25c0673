"""Text from outside is shown and never obeyed; widths are those of a terminal; numbers are readable."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.render.charset import ASCII, UNICODE
from tui.render.text import age, cells, clip, clock, count, counted, duration, fit, safe, same_width, size

ANY_TEXT = st.text(st.characters(), max_size=40)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [red]markup[/red]", "plain [red]markup[/red]"),
        ("\x1b]0;title\x07\x1b[2J", "␛]0;title␇␛[2J"),
        ("a\nb\tc\rd\x00\x7f", "a␊b␉c␍d␀␡"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202edrawkcab\u2066", "\\u202edrawkcab\\u2066"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("a\u2028b\u2029", "a\\u2028b\\u2029"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("no\u00a0break\u3000wide", "no break wide"),
        ("é 名前 🙂", "é 名前 🙂"),
        ("o" + "\u0301" * 50, "o" + "\u0301" * 3),
    ],
)
def test_what_a_terminal_would_obey_is_shown(text, shown):
    assert safe(text) == shown


def test_in_ascii_everything_else_is_an_escape():
    assert safe("é\x1b名🙂", ASCII) == "\\xe9\\x1b\\u540d\\U0001f642"


@given(ANY_TEXT)
def test_nothing_that_is_shown_controls_a_terminal(text):
    shown = safe(text)
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in shown)
    assert safe(text, ASCII).isascii()
    assert safe(shown) == shown


@given(ANY_TEXT, st.integers(0, 30))
def test_cut_text_has_the_width_that_was_asked_for(text, width):
    shown = safe(text)
    assert cells(clip(shown, width)) <= width
    assert cells(fit(shown, width)) == width
    assert cells(fit(shown, width, "right")) == width
    if cell_len(shown) <= width:
        assert clip(shown, width) == shown


def test_text_that_has_its_place_keeps_its_width_in_ascii():
    assert same_width("a名é\u0301…", ASCII) == "a??e~"
    assert same_width("a名…", UNICODE) == "a名…"


def test_cut_text_says_so():
    assert clip("a long name", 6) == "a lon…"
    assert clip("名前名前", 4) == "名…"
    assert fit("7", 3, "right") == "  7"
    assert clip("abc", 0) == ""


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0ms"),
        (0.42, "420ms"),
        (0.9996, "1.0s"),
        (4.24, "4.2s"),
        (9.96, "10s"),
        (59.6, "1m00s"),
        (192, "3m12s"),
        (3599.7, "1h00m"),
        (7500, "2h05m"),
        (273_600, "3d04h"),
        (-1, "0ms"),
    ],
)
def test_durations(seconds, shown):
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "00:00"), (41.9, "00:41"), (3723, "1:02:03"), (273_600, "3d 04h"), (-5, "00:00")]
)
def test_clocks(seconds, shown):
    assert clock(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-3, "now"), (0.4, "now"), (12, "12s"), (200, "3m"), (7300, "2h"), (450_000, "5d")]
)
def test_ages(seconds, shown):
    assert age(seconds) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9960, "10 kB"),
        (999_600, "1.0 MB"),
        (34_000_000, "34 MB"),
        (3 * 10**15, "3,000.0 TB"),
    ],
)
def test_sizes(amount, shown):
    assert size(amount) == shown


@pytest.mark.parametrize(
    ("amount", "shown"), [(0, "0"), (4211, "4211"), (12_400, "12k"), (999_600, "1.0M"), (3_100_000, "3.1M")]
)
def test_counts(amount, shown):
    assert count(amount) == shown


def test_one_is_singular():
    assert [counted(n, "row") for n in (0, 1, 2, 12_345)] == ["0 rows", "1 row", "2 rows", "12k rows"]
