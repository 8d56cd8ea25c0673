"""The service's figures, measured from outside: webhook requests beside a bare echo, start-up, memory."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
BODY = json.dumps({"order": 4211, "items": [{"sku": "a-1", "qty": 2}], "customer": {"name": "x" * 40}}).encode()
WORKFLOW = """
id: hook
name: Hook
nodes:
  - {id: in, type: webhook, params: {path: hook, auth: none, response_mode: response_node}}
  - {id: shape, type: transform, params: {value: {order: "{{ input.order }}", count: "{{ len(input.items) }}"}}}
  - {id: out, type: respond, params: {status: 200, body: "{{ input }}"}}
edges:
  - {source: in, target: shape}
  - {source: shape, target: out}
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when something answers."""
    while True:
        if process.poll() is not None:
            raise SystemExit(f"the server ended with {process.returncode}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as one:
                one.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                if one.recv(12):
                    return
        except OSError:
            time.sleep(0.005)


@contextmanager
def server(command: list[str], port: int) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """A server process and the seconds it took to its first answer."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        yield process, time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


def memory_mb(pid: int) -> float:
    """Resident memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024


def cpu_seconds(pid: int) -> float:
    """Seconds of processor time that a process has used, in itself and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(port: int, path: str, connections: int, seconds: float, folder: Path, rate: float = 0) -> dict[str, float]:
    """The figures of one load, of at most `rate` requests per second where that isn't 0."""
    request = folder / "request"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    )
    request.write_bytes(head.encode() + BODY)
    how = [str(connections), str(seconds), str(rate)]
    command = [sys.executable, HERE / "load.py", "127.0.0.1", str(port), request, *how]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def flowrun(*arguments: str, env: dict[str, str]) -> None:
    """Run our own command line."""
    subprocess.run([sys.executable, "-m", "flowrun", *arguments], check=True, env=env, stdout=subprocess.DEVNULL)


def measure(seconds: float) -> dict[str, float]:
    """All figures of the service."""
    with tempfile.TemporaryDirectory(prefix="flowrun-bench-") as name:
        folder, port, echo_port = Path(name), free_port(), free_port()
        env = dict(os.environ, FLOWRUN_DATA_DIR=str(folder / "data"))
        serve = [sys.executable, "-m", "flowrun", "serve", "--data-dir", str(folder / "data"), "--port", str(port)]
        with server(serve, port) as (_, first_start):
            pass
        with server(serve, port) as (process, start):
            time.sleep(1)
            idle = memory_mb(process.pid)
            (folder / "hook.yaml").write_text(WORKFLOW)
            flowrun("apply", str(folder / "hook.yaml"), env=env)
            with server([sys.executable, str(HERE / "echo.py"), str(echo_port)], echo_port):
                echo = load(echo_port, "/echo", 16, seconds, folder)
                ours = load(port, "/webhooks/default/hook", 16, seconds, folder)
                single = load(port, "/webhooks/default/hook", 1, seconds / 2, folder)
                echo_again = load(echo_port, "/echo", 16, seconds, folder)
        reference = (echo["requests_per_s"] + echo_again["requests_per_s"]) / 2
        return {
            "first_start_s": round(first_start, 2),
            "start_s": round(start, 2),
            "idle_mb": round(idle, 1),
            "echo_requests_per_s": round(reference),
            "webhook_requests_per_s": ours["requests_per_s"],
            "webhook_to_echo": round(ours["requests_per_s"] / reference, 3),
            "webhook_p50_ms": ours["p50_ms"],
            "webhook_p99_ms": ours["p99_ms"],
            "webhook_one_connection_p50_ms": single["p50_ms"],
        }
