"""`flowrun dev llm-stub`, as a process that a real client talks to."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys

import httpx2
import pytest


@pytest.fixture
def started():
    """Start the stand-in on a free port; gives the process and its `base_url`."""
    processes = []

    def start(*options):
        command = [sys.executable, "-m", "flowrun", "dev", "llm-stub", "--port", "0", *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        return process, process.stderr.readline().split()[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_it_answers_prints_and_records(started, tmp_path):
    script, record = tmp_path / "script.yaml", tmp_path / "record.jsonl"
    script.write_text("- text: Hello from the script\n")
    process, url = started("--script", str(script), "--record", str(record), "--api-key", "sk-secret-1")
    body = {"model": "any", "messages": [{"role": "user", "content": "Hi"}]}
    with httpx2.Client(trust_env=False, headers={"Authorization": "Bearer sk-secret-1"}) as client:
        texts = [client.post(f"{url}/chat/completions", json=body).json() for _ in range(2)]
    assert [one["choices"][0]["message"]["content"] for one in texts] == ["Hello from the script", "You said: Hi"]
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=10)
    assert printed.splitlines()[0] == "POST /v1/chat/completions 200: any, 1 messages"
    assert process.returncode == 0
    (first, _second) = map(json.loads, record.read_text().splitlines())
    assert (first["status"], first["body"]) == (200, body)
    assert "sk-secret-1" not in record.read_text()


def test_a_taken_port_is_one_line(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run("dev", "llm-stub", "--port", str(taken.getsockname()[1]))
    assert result.exit_code != 0
    assert "can't be listened on" in result.stderr


def test_a_wrong_script_is_one_line(run, tmp_path):
    script = tmp_path / "script.yaml"
    script.write_text("- txt: hello\n")
    result = run("dev", "llm-stub", "--script", str(script))
    assert result.exit_code != 0
    assert "A step of the script is wrong: txt" in result.stderr
