"""`flowrun dev whatsapp-stub`, as a process that a real client talks to and that writes as a customer."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys

import httpx2
import pytest
from e2e.client import until
from support.signatures import signed
from support.stand_in import StandIn

TOKEN = {"Authorization": "Bearer EAAB"}
TEXT = {"messaging_product": "whatsapp", "to": "16505551234", "type": "text", "text": {"body": "Hello Zoë"}}


@pytest.fixture
def started():
    """Start the stand-in on a free port; gives the process and its `base_url`."""
    processes = []

    def start(*options):
        command = [sys.executable, "-m", "flowrun", "dev", "whatsapp-stub", "--port", "0", *options]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        processes.append(process)
        return process, process.stderr.readline().split()[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_it_takes_what_the_cloud_api_takes_and_prints_it(started):
    process, url = started("--access-token", "EAAB")
    picture = TEXT | {"type": "image", "image": {"link": "https://example.com/a.png"}}
    with httpx2.Client(base_url=url, trust_env=False, headers=TOKEN) as client:
        first, second = (client.post("/v23.0/106540352242922/messages", json=body) for body in (TEXT, picture))
        wrong = [
            client.post("/v23.0/1/messages", json=TEXT, headers={"Authorization": "Bearer other"}),
            client.post("/v23.0/1/messages", json={"to": "1"}),
            client.post("/v23.0/1/messages", json=TEXT | {"text": {"body": ""}}),
            client.post("/v23.0/1/messages", content=b"{"),
            client.post("/v23.0/1", json=TEXT),
        ]
    assert first.json()["messages"] == [{"id": "wamid.stub-1"}]
    assert second.json()["contacts"] == [{"input": "16505551234", "wa_id": "16505551234"}]
    assert [answer.status_code for answer in wrong] == [401, 400, 400, 400, 404]
    assert wrong[0].json()["error"]["code"] == 190
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=10)
    assert printed.splitlines() == [
        "to 16505551234: Hello Zoë",
        'to 16505551234: {"link": "https://example.com/a.png"}',
    ]
    assert process.returncode == 0


def test_each_line_is_a_customers_message_signed_as_meta_signs(started):
    with StandIn() as service:
        process, _url = started("--webhook", f"{service.url}/in", "--app-secret", "s", "--customer", "4915112345678")
        process.stdin.write("\nDoes it come in another color?\n")
        process.stdin.flush()
        (call,) = until("it is delivered", lambda: service.called("/in"))
    value = json.loads(call.body)["entry"][0]["changes"][0]["value"]
    assert value["messages"][0]["from"] == "4915112345678"
    assert value["messages"][0]["text"] == {"body": "Does it come in another color?"}
    expected = signed("github", call.body, "s")["x-hub-signature-256"]
    assert call.headers["x-hub-signature-256"] == expected


def test_what_is_not_taken_is_said(started):
    with StandIn(lambda _call: (401, {"detail": "no"}, 0.0)) as service:
        process, _url = started("--webhook", f"{service.url}/in")
        process.stdin.write("hello\n")
        process.stdin.flush()
        lines = iter(process.stderr.readline, "")
        assert "not taken: 401" in next(line for line in lines if line.startswith("not "))


def test_a_taken_port_is_one_line(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run("dev", "whatsapp-stub", "--port", str(taken.getsockname()[1]))
    assert (result.exit_code != 0, "can't be listened on" in result.stderr) == (True, True)
