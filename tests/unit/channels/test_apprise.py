"""Services by Apprise URL, and what they may not do."""

from __future__ import annotations

import socket
import subprocess
import sys
import syslog
import threading
from pathlib import Path

import pytest
from support.channel_bench import Rows, send

from flowrun.channels import CHANNEL_TYPES
from flowrun.channels.confined import confined


async def test_a_notification_arrives(through):
    message = {"title": "Orders", "text": "A-17 failed", "type": "failure"}
    outcome, provider = await through("apprise", message)
    (sent,) = provider.sent
    assert (sent["title"], sent["message"], sent["type"]) == ("Orders", "A-17 failed", "failure")
    assert outcome.output == {"message_id": None, "response": None}


@pytest.mark.parametrize(
    ("plan", "kind", "retryable"),
    [
        ("transient", "provider_unavailable", True),
        ("rate", "rate_limited", True),
        ("permanent", "message_rejected", False),
        ("expired", "channel_unauthorized", False),
    ],
)
async def test_the_status_in_the_librarys_log_tells_what_kind_of_failure_it_is(through, plan, kind, retryable):
    outcome, _ = await through("apprise", plan=[plan])
    assert (outcome.type, outcome.retryable) == (kind, retryable)


@pytest.mark.parametrize("message", [{"title": "x"}, {"text": "x", "type": "loud"}, {"text": "x", "attach": "/etc"}])
async def test_what_is_no_notification_is_refused(through, message):
    outcome, provider = await through("apprise", message)
    assert (outcome.type, provider.calls) == ("invalid_message", [])


@pytest.mark.parametrize("url", ["nosuchservice://x/y", "syslog://local7", "discord://tooshort"])
async def test_a_url_that_makes_no_service_fails_for_good(http, url):
    rows = Rows()
    rows.add("apprise", {"url": url})
    outcome = await send(rows, http, "apprise", None, "olá")
    assert outcome.retryable is False
    assert url not in str(outcome)


def test_the_parts_of_the_url_are_secrets_but_not_its_host():
    hidden = CHANNEL_TYPES["apprise"].secrets_of({"url": "ntfys://user1:pass-word%21@ntfy.example.com/topic-name?t=x"})
    assert hidden >= {"pass-word%21", "pass-word!", "topic-name"}
    assert "ntfy.example.com" not in hidden


def test_what_is_confined_opens_no_files_starts_nothing_and_connects_to_no_private_address():
    with confined(()) as confinement:
        for forbidden in (
            lambda: Path("/etc/passwd").read_text(),
            lambda: Path(__file__).read_text(),
            lambda: Path("pyproject.toml").read_text(),
            lambda: Path(f"{sys.prefix}/../../etc/passwd").read_text(),
            lambda: subprocess.run(["true"], check=False),
            lambda: syslog.syslog("x"),
            lambda: socket.create_connection(("127.0.0.1", 1)),
            lambda: socket.create_connection(("169.254.169.254", 80), 0.1),
            lambda: _connect(socket.AF_UNIX, "/run/docker.sock"),
        ):
            with pytest.raises(PermissionError):
                forbidden()
    assert confinement.refused is not None


def test_confinement_is_for_one_thread_and_one_block():
    def free():
        with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
            probe.connect(("127.0.0.1", 1))

    other = threading.Thread(target=free)
    with confined(("localhost",)), pytest.raises(ConnectionRefusedError):
        socket.create_connection(("localhost", 1))
    other.start()
    other.join()
    free()
    assert Path("/etc/passwd").read_text()


def _connect(family, address):
    with socket.socket(family) as one:
        one.connect(address)
