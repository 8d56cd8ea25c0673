"""The addresses at which the dashboard in a browser answers."""

from __future__ import annotations

import pytest

from tui.web_guard import Guard

LOOPBACK = {"127.0.0.1:8090", "localhost", "LOCALHOST:1", "[::1]:8090", "127.9.9.9"}
NAME = "dashboard.example:8090"
ADDRESSES = {"192.0.2.1:8090", "[2001:db8::1]"}
OTHERS = {"", "[", ":", "localhost.bad.example", "127.0.0.1.bad.example", "bad.example", "localhost@bad.example"}


@pytest.mark.parametrize(
    ("host", "answered"),
    [
        ("127.0.0.1", LOOPBACK),
        ("localhost", LOOPBACK),
        ("::1", LOOPBACK),
        ("192.0.2.1", {"192.0.2.1:8090"}),
        ("2001:db8::1", {"[2001:db8::1]"}),
        ("Dashboard.Example", {NAME}),
        ("0.0.0.0", LOOPBACK | ADDRESSES),  # noqa: S104 - what is tested
        ("::", LOOPBACK | ADDRESSES),
    ],
)
def test_only_what_is_served_is_answered(host, answered):
    guard = Guard(host, 8090, "a token of some length")
    assert {name for name in LOOPBACK | ADDRESSES | OTHERS | {NAME} if guard.is_served(name)} == answered


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("::1", "[::1]"),
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104 - what is tested
        ("::", "[::1]"),
        ("192.0.2.1", "192.0.2.1"),
        ("here", "here"),
    ],
)
def test_the_link_is_one_that_a_browser_can_open(host, address):
    assert Guard(host, 80, "a&b c").link == f"http://{address}:80/?token=a%26b%20c"
