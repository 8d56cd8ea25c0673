"""Schedules in words."""

from __future__ import annotations

import pytest

from flowrun.triggers.schedules.describe import describe


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 9 * * 1-5", "at 09:00 on weekdays"),
        ("0 9,17 * * SAT,SUN", "at 09:00 and 17:00 on Saturdays and Sundays"),
        ("0 9 * * MON,WED", "at 09:00 on Mondays and Wednesdays"),
        ("30 0 9 * * ?", "at 09:00:30 every day"),
        ("@daily", "at 00:00 every day"),
        ("@weekly", "at 00:00 on Sundays"),
        ("@hourly", "every hour"),
        ("*/5 * * * *", "every 5 minutes"),
        ("* * * * *", "every minute"),
        ("* * * * * *", "every second"),
        ("*/10 * * * * *", "every 10 seconds"),
        ("0 */2 * * *", "every 2 hours"),
        ("*/7 * * * *", "every seventh minute of every hour"),
        ("0 0 L * *", "at 00:00 on the last day of every month"),
        ("0 9 * * MON#2", "at 09:00 on the second Monday of the month"),
        ("0 9 * * 5L", "at 09:00 on the last Friday of the month"),
        ("0 0 29 2 *", "at 00:00 on February 29"),
        ("0 9-17 * * 1-5", "at minute 0 past every hour from 9 through 17 on weekdays"),
    ],
)
def test_cron(cron, words):
    assert describe({"cron": cron, "timezone": "Europe/Berlin"}) == f"{words}, Europe/Berlin"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "every second"),
        (300, "every 5 minutes"),
        (5400, "every 90 minutes"),
        (3600, "every hour"),
        (86400, "every day"),
    ],
)
def test_interval(seconds, words):
    assert describe({"every": float(seconds), "timezone": "Europe/Berlin"}) == words


def test_list():
    assert describe({"at": ["2030-01-01T09:00:00"], "timezone": "UTC"}) == "at 2030-01-01T09:00:00, UTC"
    assert describe({"at": ["2030-01-01T09:00:00+01:00"], "timezone": "UTC"}) == "at 2030-01-01T09:00:00+01:00"
    assert describe({"at": ["2030-01-01T09:00:00", "2031-01-01T09:00:00"]}) == "at 2 listed times, UTC"
