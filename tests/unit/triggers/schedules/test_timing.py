"""Times in zones: over changes of the clocks, by interval, from lists; and that they are the right ones."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flowrun.triggers.schedules.timing import next_times, timing_of
from flowrun.triggers.schedules.zones import instant, zone_of


def ms(text, zone="UTC"):
    at = datetime.fromisoformat(text)
    return int((at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).timestamp()) * 1000


def times(config, zone, after, count):
    found = next_times(timing_of({**config, "timezone": zone}, 0), ms(after, zone), count)
    return [datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).strftime("%m-%d %H:%M %z") for at in found]


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        # A fixed time that the clocks skip comes once, right after the gap.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["03-29 03:00 +0200", "03-30 02:30 +0200"]),
        ("10,30,50 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["03-29 03:00 +0200", "03-30 02:10 +0200"]),
        ("0 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00", ["03-29 03:00 +0200", "03-30 02:00 +0200"]),
        ("0 30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["03-29 03:00 +0200", "03-30 02:30 +0200"]),
        ("30 2 * * *", "America/New_York", "2026-03-07T12:00", ["03-08 03:00 -0400", "03-09 02:30 -0400"]),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00", ["10-04 02:30 +1100", "10-05 02:15 +1100"]),
        # A fixed time that they show twice comes once, the first time.
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", ["10-25 02:30 +0200", "10-26 02:30 +0100"]),
        ("0 30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", ["10-25 02:30 +0200", "10-26 02:30 +0100"]),
        ("30 1 * * *", "America/New_York", "2026-10-31T12:00", ["11-01 01:30 -0400", "11-02 01:30 -0500"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00", ["04-05 01:45 +1100", "04-06 01:45 +1030"]),
        # Anything else goes by what the clocks show.
        ("*/30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["03-30 02:00 +0200", "03-30 02:30 +0200"]),
        ("30 * * * *", "Europe/Berlin", "2026-03-29T01:00", ["03-29 01:30 +0100", "03-29 03:30 +0200"]),
        ("*/30 2 * * *", "Europe/Berlin", "2026-10-25T02:10", ["10-25 02:30 +0200", "10-25 02:00 +0100"]),
        ("30 * * * *", "America/New_York", "2026-11-01T01:00", ["11-01 01:30 -0400", "11-01 01:30 -0500"]),
        ("*/10 5 * * *", "Australia/Lord_Howe", "2026-10-04T01:00", ["10-04 05:00 +1100", "10-04 05:10 +1100"]),
        ("*/30 1 * * *", "Australia/Lord_Howe", "2026-04-05T01:20", ["04-05 01:30 +1100", "04-05 01:30 +1030"]),
        # The new day may begin with a gap.
        ("0 0 * * *", "America/Santiago", "2026-09-05T12:00", ["09-06 01:00 -0300", "09-07 00:00 -0300"]),
    ],
)
def test_over_a_change_of_the_clocks(cron, zone, after, expected):
    assert times({"cron": cron}, zone, after, 2) == expected


def test_an_interval_is_counted_from_its_start():
    timing = timing_of({"every": 300.0}, 1_000_123)
    assert timing.next_after(0) == 1_300_123
    assert timing.next_after(1_000_123) == 1_300_123
    assert timing.next_after(1_300_123) == 1_600_123
    assert timing.next_after(1_300_122) == 1_300_123
    assert timing.next_after(9_999_999_999) == 10_000_000_123


def test_a_list_has_an_end_and_no_order():
    config = {"at": ["2026-06-01T09:00:00", "2026-01-01T09:00:00+00:00", "2026-06-01T09:00:00"]}
    assert times(config, "Europe/Berlin", "2020-01-01T00:00", 5) == ["01-01 10:00 +0100", "06-01 09:00 +0200"]


def test_listed_local_times_keep_clear_of_changes_of_the_clocks():
    assert times({"at": ["2026-03-29T02:30:00"]}, "Europe/Berlin", "2020-01-01T00:00", 5) == ["03-29 03:00 +0200"]
    assert times({"at": ["2026-10-25T02:30:00"]}, "Europe/Berlin", "2020-01-01T00:00", 5) == ["10-25 02:30 +0200"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("europe/berlin", "Europe/Berlin"),
        ("Europe/Berln", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("+02:00", None),
        ("../etc/passwd", None),
        ("", None),
        ("localtime", None),
    ],
)
def test_a_zone_that_is_none_gets_a_hint(name, hint):
    with pytest.raises(ValueError, match="is no time zone") as error:
        zone_of(name)
    assert ("did you mean" in str(error.value)) is (hint is not None)
    assert hint is None or hint in str(error.value)


# --- against a reference that looks at every minute

MINUTES = {"*": range(60), "*/15": range(0, 60, 15), "30": [30], "0,45": [0, 45], "7": [7]}
HOURS = {"*": range(24), "*/2": range(0, 24, 2), "1": [1], "2": [2], "2,3": [2, 3], "0-4": range(5), "23": [23]}
DAYS = {"*": range(1, 32), "29-31": [29, 30, 31], "1,15": [1, 15], "L": None}
WEEKDAYS = {"*": range(7), "1-5": range(5), "SUN": [6], "SUN#1": None}
ZONES = {
    "Europe/Berlin": ["2026-03-29", "2026-10-25"],
    "America/New_York": ["2026-03-08", "2026-11-01"],
    "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],
    "America/St_Johns": ["2026-03-08", "2026-11-01"],
    "Africa/Casablanca": ["2026-02-15", "2026-03-22"],
    "America/Santiago": ["2026-04-05", "2026-09-06"],
    "Asia/Kathmandu": ["2024-02-29", "2026-01-31"],
    "UTC": ["2024-02-29", "2026-12-31"],
}


def fits(shown, minute, hour, day, weekday):
    if shown.minute not in MINUTES[minute] or shown.hour not in HOURS[hour]:
        return False
    last = calendar.monthrange(shown.year, shown.month)[1]
    days = [last] if day == "L" else DAYS[day]
    by_day = shown.day in days
    by_weekday = shown.weekday() == 6 and shown.day <= 7 if weekday == "SUN#1" else shown.weekday() in WEEKDAYS[weekday]
    both = day.startswith("*") or weekday.startswith("*")
    return (by_day and by_weekday) if both else (by_day or by_weekday)


def reference(minute, hour, day, weekday, zone, begin, end):
    """Every minute from begin to end, looked at one by one."""
    place, found = ZoneInfo(zone), set()
    at = begin
    while at <= end:
        shown = at.astimezone(place)
        if minute.startswith("*") or hour.startswith("*"):
            if fits(shown, minute, hour, day, weekday):
                found.add(at)
        else:
            before = (at - timedelta(minutes=1)).astimezone(place).replace(tzinfo=None)
            naive = before + timedelta(minutes=1)
            while naive <= shown.replace(tzinfo=None):  # More than one step where minutes were skipped.
                first = naive.replace(tzinfo=place).astimezone(UTC)
                was_shown = first.astimezone(place).replace(tzinfo=None) == naive
                if fits(naive, minute, hour, day, weekday) and (not was_shown or first == at):
                    found.add(at)
                naive += timedelta(minutes=1)
        at += timedelta(minutes=1)
    return sorted(found)


@st.composite
def cases(draw):
    zone = draw(st.sampled_from(sorted(ZONES)))
    begin = datetime.fromisoformat(draw(st.sampled_from(ZONES[zone]))).replace(tzinfo=UTC) - timedelta(days=1)
    begin += timedelta(minutes=draw(st.integers(0, 1440)))
    fields = [draw(st.sampled_from(sorted(choice))) for choice in (MINUTES, HOURS, DAYS, WEEKDAYS)]
    return (*fields, zone, begin)


@given(cases())
@example(("30", "2", "*", "*", "Europe/Berlin", datetime(2026, 3, 28, 12, 0, tzinfo=UTC)))
@example(("*", "*", "*", "*", "Australia/Lord_Howe", datetime(2026, 4, 4, 12, 0, tzinfo=UTC)))
def test_the_times_are_those_of_a_look_at_every_minute(case):
    minute, hour, day, weekday, zone, begin = case
    end = begin + timedelta(days=3)
    expected = [int(at.timestamp()) * 1000 for at in reference(*case[:5], begin + timedelta(minutes=1), end)]
    timing = timing_of({"cron": f"{minute} {hour} {day} * {weekday}", "timezone": zone}, 0)
    found, at = [], timing.next_after(int(begin.timestamp()) * 1000)
    while at is not None and at <= int(end.timestamp()) * 1000:
        assert not found or at > found[-1]
        found.append(at)
        at = timing.next_after(at)
    assert found == expected


@given(cases(), st.integers(0, 3 * 86_400_000))
def test_a_time_doesnt_depend_on_when_one_asks(case, later):
    """From any moment the next time is the first of all that lies after it: restarts shift nothing."""
    minute, hour, day, weekday, zone, begin = case
    timing = timing_of({"cron": f"{minute} {hour} {day} * {weekday}", "timezone": zone}, 0)
    asked = int(begin.timestamp()) * 1000 + later
    found = timing.next_after(asked)
    assert found is None or found > asked
    if found is not None:
        assert timing.next_after(found - 1) == found
        assert timing.next_after(asked + (found - asked) // 2) == found


@given(st.sampled_from(sorted(ZONES)), st.integers(0, 60 * 24 * 365 * 3))
def test_the_instants_of_local_times_never_go_back(zone, minute):
    shown = datetime.fromisoformat("2025-01-01") + timedelta(minutes=minute)
    place = zone_of(zone)
    assert instant(place, shown) <= instant(place, shown + timedelta(minutes=1))
